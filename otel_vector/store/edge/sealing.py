"""The process that seals one shard: `python -m otel_vector.store.edge.sealing FOLDER`.

The engine would hold the interpreter for seconds, so this is done to a copy in a process of its
own. It turns the points into immutable mapped segments, whose memory the system takes back when
it needs it, writes the summary, and leaves the folder durable.

The write-ahead log, a fifth of the folder, is made anew. The engine numbers updates by it, and
silently passes over an update of a point that knows a higher number: so as many updates that do
nothing are made as were made before, at 10 µs each.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import qdrant_edge as engine

from otel_vector.store.edge.durable import sync_folder
from otel_vector.store.edge.shard import SUMMARY
from otel_vector.store.edge.summary import write_summary

__all__ = ["main", "seal_folder"]

_PAGE: Final = 5_000
_NICE: Final = 10
_SEGMENTS: Final = "segments/*/segment.json"
_NOBODY: Final = "0" * 31 + "1"
"""No item has this id."""
_COLD: Final = engine.Memory.Cold


def seal_folder(folder: Path) -> None:
    """Seal the shard in a folder that nobody else uses."""
    shard = engine.EdgeShard.load(str(folder), _config())
    shard.optimize()
    write_summary(_payloads(shard), folder / SUMMARY)
    shard.flush()
    shard.close()
    _renew_log(folder)
    for parent, _, names in os.walk(folder):
        for name in names:
            _sync_file(f"{parent}/{name}")
        sync_folder(Path(parent))


def _renew_log(folder: Path) -> None:
    """Let the shard go on with a new log, its numbers beyond those of all its points."""
    shutil.rmtree(folder / "wal", ignore_errors=True)
    last = max(json.loads(path.read_bytes())["version"] for path in folder.glob(_SEGMENTS))
    nothing = engine.UpdateOperation.delete_points([_NOBODY])
    shard = engine.EdgeShard.load(str(folder))
    for _ in range(last + 1):
        shard.update(nothing)
    shard.flush()
    shard.close()


def _config() -> engine.EdgeConfig:
    """Return a configuration under which any segment is worth optimizing.

    The engine indexes a segment by the size of its vectors, in KB: ours are four bytes long.
    """
    return engine.EdgeConfig(
        vectors=engine.EdgeVectorParams(size=1, distance=engine.Distance.Dot, memory=_COLD),
        hnsw_config=engine.HnswIndexConfig(
            m=0, ef_construct=4, full_scan_threshold=10, memory=_COLD
        ),
        optimizers=engine.EdgeOptimizersConfig(
            deleted_threshold=1e-6,
            vacuum_min_vector_number=1,
            default_segment_number=1,
            indexing_threshold=1,
        ),
        id_tracker_memory=_COLD,
        max_search_threads=1,
    )


def _payloads(shard: engine.EdgeShard) -> Iterator[dict[str, Any]]:
    offset, more = None, True
    while more:
        records, offset = shard.scroll(
            engine.ScrollRequest(
                offset=offset, limit=_PAGE, with_payload=["m", "d", "k"], with_vector=False
            )
        )
        yield from (record.payload for record in records)
        more = offset is not None


def _sync_file(path: str) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def main() -> None:
    """Seal the folder that the command line names."""
    os.nice(_NICE)
    seal_folder(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
