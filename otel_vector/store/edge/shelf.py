"""The engine shard that holds meanings: made whole, opened with what it lacks added.

::

    TENANT/meanings/           the first one
           meanings-<n>/       one that took its place
           meanings.current    the name of the one that counts; without it `meanings`
           meanings.damaged-…  set aside

A shard takes another's place by one rename of the pointer, so that a crash leaves the old one
or the new one. What is not pointed at is a leftover and is removed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import qdrant_edge as engine

from otel_vector.store.edge.durable import rename_durably, sync_folder
from otel_vector.store.edge.faults import engine_writing, translated

__all__ = ["create_shelf", "load_shelf", "next_shelf", "open_shelf", "point_at",
           "remove_leftovers", "shelf_folder", "slot_operations"]  # fmt: skip

_NAME: Final = "meanings"
_POINTER: Final = "meanings.current"
_INDEXES: Final = {
    "facet": engine.KeywordIndexParams(),
    "w": engine.IntegerIndexParams(lookup=True, range=False),
}


def shelf_folder(root: Path) -> Path:
    """Return where a tenant's meanings are."""
    pointer = root / _POINTER
    return root / (pointer.read_text() if pointer.exists() else _NAME)


def next_shelf(root: Path) -> Path:
    """Return a folder that no shard of meanings has had, for the one that is to come."""
    number = shelf_folder(root).name.partition("-")[2]
    return root / f"{_NAME}-{int(number or 1) + 1}"


def point_at(root: Path, folder: Path) -> None:
    """Let another shard of meanings count, durably; it is complete on disk."""
    temporary = root / f"{_POINTER}.new"
    with translated(f"writing {root / _POINTER}"):
        with temporary.open("w") as file:
            file.write(folder.name)
            file.flush()
            os.fsync(file.fileno())
        rename_durably(temporary, root / _POINTER)


def remove_leftovers(root: Path) -> None:
    """Remove shards that were being made, or whose place was taken, when the process ended."""
    current = shelf_folder(root)
    found = [folder for folder in root.glob(f"{_NAME}-*/") if folder != current]
    found += [folder for folder in [root / _NAME] if folder != current and current.exists()]
    for folder in [*found, *root.glob(f"{_NAME}*.new/")]:
        shutil.rmtree(folder, ignore_errors=True)
    if found:
        sync_folder(root)


def open_shelf(folder: Path, slots: Mapping[str, int]) -> engine.EdgeShard:
    """Open or create a shard of meanings.

    Args:
        folder: where it lives.
        slots: names and lengths of the dense vectors it is to have; more are left alone.

    Raises:
        StoreDamagedError: it cannot be loaded.
        StoreLockedError: another process has it open.
    """
    if not folder.exists():
        create_shelf(folder)
    shard = load_shelf(folder)
    try:
        with engine_writing("opening", folder):
            for name in sorted(set(_INDEXES) - set(shard.info().payload_schema)):
                shard.update(engine.UpdateOperation.create_field_index(name, _INDEXES[name]))
            for operation in slot_operations(slots):
                shard.update(operation)
    except BaseException:  # whatever it is, nobody else could release the shard
        shard.close()
        raise
    return shard


def load_shelf(folder: Path) -> engine.EdgeShard:
    """Open a shard of meanings as it is.

    Raises:
        StoreDamagedError: it cannot be loaded.
        StoreLockedError: another process has it open.
    """
    with translated(f"opening {folder}"):
        return engine.EdgeShard.load(str(folder))


def slot_operations(slots: Mapping[str, int]) -> list[engine.UpdateOperation]:
    """Return what makes room for vectors in a shard; those that are there stay."""
    return [
        engine.UpdateOperation.create_dense_vector(slot, dimension, engine.Distance.Cosine)
        for slot, dimension in slots.items()
    ]


def create_shelf(folder: Path) -> None:
    """Create an empty shard with its indexes; it is there whole or not at all."""
    temporary = folder.with_name(folder.name + ".new")
    shutil.rmtree(temporary, ignore_errors=True)
    with engine_writing("creating", folder.parent):
        temporary.mkdir(parents=True)
        config = engine.EdgeConfig(
            sparse_vectors={"bm25": engine.EdgeSparseVectorParams(modifier=engine.Modifier.Idf)},
            max_search_threads=1,
        )
        shard = engine.EdgeShard.create(str(temporary), config)
        for name, index in _INDEXES.items():
            shard.update(engine.UpdateOperation.create_field_index(name, index))
        shard.flush()
        shard.close()
        rename_durably(temporary, folder)
