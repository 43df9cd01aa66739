"""One span shard: thin points in the engine, and its place on disk.

Creation is all or nothing: under a temporary name with every index, flushed, renamed, and only
then listed in the manifest. A folder that is not listed is a leftover and is removed.

Vectors are one number and never searched: they are there so that the engine can seal a shard
(see `sealing`), and `Memory.Cold` so that none of what is mapped is read before it is asked for.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Final

import qdrant_edge as engine

from otel_vector.spans.ids import SpanId
from otel_vector.store.edge.durable import rename_durably, sync_folder
from otel_vector.store.edge.faults import engine_writing, translated
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.points import ends
from otel_vector.store.edge.prefetch import prefetch_indexes

__all__ = ["CHUNK", "SUMMARY", "SpanShard", "create_shard_folder", "shard_folder"]

CHUNK: Final = 512
"""Points of one engine call: longer calls would hold the interpreter for too long."""

SUMMARY: Final = "summary.npz"
"""The file in a sealed shard's folder that holds its summary, as long as nothing is changed."""

_LOOKUP: Final = engine.IntegerIndexParams(lookup=True, range=False, memory=engine.Memory.Cold)
_RANGE: Final = engine.IntegerIndexParams(lookup=False, range=True, memory=engine.Memory.Cold)
_INDEXES: Final = {"t": _LOOKUP, "m": _LOOKUP, "k": _LOOKUP, "d": _LOOKUP, "s": _RANGE}


def _config() -> engine.EdgeConfig:
    return engine.EdgeConfig(
        vectors=engine.EdgeVectorParams(
            size=1, distance=engine.Distance.Dot, memory=engine.Memory.Cold
        ),
        hnsw_config=engine.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=10),
        max_search_threads=1,
    )


def shard_folder(partition: Path, row: ShardRow) -> Path:
    """Return where the generation of a shard lives that is in force."""
    name = f"{row.stream}-{row.id:05d}"
    return partition / (f"{name}.{row.generation}" if row.generation else name)


def create_shard_folder(folder: Path) -> None:
    """Create an empty shard with its indexes; it is there whole or not at all."""
    temporary = folder.with_name(folder.name + ".new")
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    with engine_writing("creating", folder.parent):
        temporary.mkdir(parents=True)
        shard = engine.EdgeShard.create(str(temporary), _config())
        _add_indexes(shard, set(_INDEXES))
        shard.flush()
        shard.close()
        rename_durably(temporary, folder)


def _add_indexes(shard: engine.EdgeShard, names: set[str]) -> None:
    for name in sorted(names):
        shard.update(engine.UpdateOperation.create_field_index(name, _INDEXES[name]))


class SpanShard:
    """An open shard. One thread writes, any number read."""

    def __init__(self, folder: Path, row: ShardRow) -> None:
        """Load a shard; a missing index is added.

        Raises:
            StoreLockedError: another process has it open.
            StoreDamagedError: it cannot be loaded.
        """
        self.row = row
        self.folder = folder
        with translated(f"opening {folder}"):
            self.engine = engine.EdgeShard.load(str(folder))
        try:
            if (folder / SUMMARY).exists():
                prefetch_indexes(folder)
            self.dirty = self._completed()
        except BaseException:  # whatever it is, nobody else could release the shard
            self.engine.close()
            raise
        self.leases = 0
        """How many hold it; the pool counts."""
        self.journal: list[Callable[[SpanShard], None]] | None = None
        """While a list, it takes every change, to be made again on a copy."""

    def _completed(self) -> bool:
        """Add the indexes that are missing; return whether any was."""
        with translated(f"opening {self.folder}"):
            missing = set(_INDEXES) - set(self.engine.info().payload_schema)
        if missing:
            with engine_writing("indexing", self.folder):
                _add_indexes(self.engine, missing)
        return bool(missing)

    def insert(self, points: Sequence[engine.Point]) -> None:
        """Insert points that are not there yet; others are left as they are."""
        self._note(lambda shard: shard.insert(points), len(points))
        operation = engine.UpdateOperation.upsert_points(
            list(points), None, engine.UpdateMode.InsertOnly
        )
        self._update(operation)

    def set_field(self, point: SpanId, name: str, value: Sequence[int]) -> None:
        """Replace one list field of one point."""
        self._note(lambda shard: shard.set_field(point, name, value))
        self._update(engine.UpdateOperation.set_payload([point], {name: list(value)}))

    def _note(self, change: Callable[[SpanShard], None], points: int = 1) -> None:
        """Journal a change that is about to be made; a summary would no longer hold."""
        if self.row.sealed:
            self.row.sealed = False
            (self.folder / SUMMARY).unlink(missing_ok=True)
            sync_folder(self.folder)
        self.row.touched_s = monotonic()
        self.row.changed += points
        if self.journal is not None:
            self.journal.append(change)

    def _update(self, operation: engine.UpdateOperation) -> None:
        with engine_writing("writing", self.folder):
            self.engine.update(operation)
        self.dirty = True

    def payloads(self, ids: Sequence[SpanId]) -> dict[SpanId, dict[str, Any]]:
        """Return the payloads of those among these ids that exist."""
        records = self.engine.retrieve(list(ids), True, False)
        return {SpanId(record.id.hex): record.payload for record in records}

    def remove(self, ids: Sequence[SpanId]) -> None:
        """Remove points."""
        self._note(lambda shard: shard.remove(ids), len(ids))
        self._update(engine.UpdateOperation.delete_points(list(ids)))

    def extent(self) -> tuple[int, int | None, int | None]:
        """Return the number of points and their first and last start in microseconds."""
        count = self.engine.count(engine.CountRequest(exact=True))
        starts = [record.payload["s"] for record in ends(self.engine, None)]
        return count, min(starts, default=None), max(starts, default=None)

    def flush(self) -> None:
        """Make every update survive power loss."""
        if self.dirty:
            with engine_writing("flushing", self.folder):
                self.engine.flush()
            self.dirty = False

    def close(self) -> None:
        """Flush and release."""
        self.flush()
        with translated(f"closing {self.folder}"):
            self.engine.close()

    def dismantle(self) -> None:
        """Release a shard that is to be removed, index by index: at once would take too long."""
        for name in _INDEXES:
            self.engine.update(engine.UpdateOperation.delete_field_index(name))
        self.engine.close()
