"""The engine shard that holds meanings: made whole, opened with what it lacks added."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import qdrant_edge as engine

from otel_vector.store.edge.durable import rename_durably
from otel_vector.store.edge.faults import translated

__all__ = ["open_shelf"]

_INDEXES: Final = {
    "facet": engine.KeywordIndexParams(),
    "w": engine.IntegerIndexParams(lookup=True, range=False),
}


def open_shelf(folder: Path, dimension: int) -> engine.EdgeShard:
    """Open or create the shard of meanings.

    Args:
        folder: where it lives.
        dimension: length of dense vectors; 0 when there is no embedding model, in which case
            a shard made now gets its dense vector when a model comes.
    """
    with translated(f"opening {folder}"):
        if not folder.exists():
            _create(folder)
        shard = engine.EdgeShard.load(str(folder))
        for name in sorted(set(_INDEXES) - set(shard.info().payload_schema)):
            shard.update(engine.UpdateOperation.create_field_index(name, _INDEXES[name]))
        if dimension and not (folder / "dense").exists():
            _add_dense(shard, dimension)
            (folder / "dense").touch()
    return shard


def _create(folder: Path) -> None:
    temporary = folder.with_name(folder.name + ".new")
    shutil.rmtree(temporary, ignore_errors=True)
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


def _add_dense(shard: engine.EdgeShard, dimension: int) -> None:
    shard.update(
        engine.UpdateOperation.create_dense_vector("dense", dimension, engine.Distance.Cosine)
    )
    shard.flush()
