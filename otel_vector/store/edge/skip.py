"""Which shards may hold an id or a trace: two Bloom filters a shard, kept beside it.

They are saved when a shard is full or the store is closed, and made again from the points if
they are not there or cannot be read; a saved file is removed before the first write that it
would not know of.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import orjson
import qdrant_edge as engine
import zstandard

from otel_vector.spans.ids import SpanId
from otel_vector.store.edge.bloom import GrowingBloom, halves_of_ids, halves_of_keys
from otel_vector.store.edge.durable import sync_folder

__all__ = ["Skip"]

_PAGE: Final = 5_000
_log = logging.getLogger(__name__)


class Skip:
    """The Bloom filters of one shard: content ids and trace keys."""

    def __init__(self, path: Path) -> None:
        """Load the saved filters, if there are any; else they are empty and not `complete`."""
        self._path = path
        self._ids, self._traces = GrowingBloom(), GrowingBloom()
        self.complete = self._saved = False
        try:
            packed = zstandard.ZstdDecompressor().decompress(path.read_bytes())
        except FileNotFoundError:
            return
        except zstandard.ZstdError as error:
            _log.warning("%s is damaged (%s) and is made again from the points", path, error)
            return
        sizes, _, body = packed.partition(b"\n")
        parts = _cut(body, orjson.loads(sizes))
        self._ids, self._traces = GrowingBloom(parts[0]), GrowingBloom(parts[1])
        self.complete = self._saved = True

    def rebuild(self, shard: engine.EdgeShard) -> None:
        """Fill the filters from the points themselves."""
        offset, more = None, True
        while more:
            records, offset = shard.scroll(
                engine.ScrollRequest(
                    offset=offset, limit=_PAGE, with_payload=["t"], with_vector=False
                )
            )
            if records:
                traces = [r.payload.get("t", 0) for r in records]
                self.add([SpanId(r.id.hex) for r in records], traces)
            more = offset is not None
        self.complete = True

    def add(self, ids: Sequence[SpanId], traces: Sequence[int]) -> None:
        """Add points: their ids and trace keys."""
        self._ids.add(halves_of_ids(ids))
        self._traces.add(halves_of_keys(traces))

    def ids(self, ids: Sequence[SpanId]) -> list[SpanId]:
        """Return those among the ids that may be in the shard."""
        hits = self._ids.contains(halves_of_ids(ids))
        return [i for i, hit in zip(ids, hits.tolist(), strict=True) if hit] if hits.any() else []

    def trace(self, key: int) -> bool:
        """Return whether a trace may have items in the shard."""
        return bool(self._traces.contains(halves_of_keys([key]))[0])

    def traces(self, keys: Sequence[int]) -> list[int]:
        """Return those among some trace keys that may have items in the shard."""
        hits = self._traces.contains(halves_of_keys(keys)) if keys else ()
        return [key for key, hit in zip(keys, hits, strict=True) if hit]

    def save(self) -> None:
        """Write the filters, whole or not at all; without room they are made again next time."""
        if self._saved:
            return
        parts = [self._ids.to_bytes(), self._traces.to_bytes()]
        sizes = orjson.dumps([[len(p) for p in part] for part in parts])
        body = b"".join([sizes, b"\n", *parts[0], *parts[1]])
        temporary = self._path.with_suffix(".new")
        try:
            with temporary.open("wb") as file:
                file.write(zstandard.ZstdCompressor(level=1, write_checksum=True).compress(body))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError as error:
            _log.warning("%s cannot be saved (%s); the next start takes longer", self._path, error)
            temporary.unlink(missing_ok=True)
            return
        self._saved = True

    def unsave(self) -> None:
        """Remove the saved filters: the shard is about to hold more than they say."""
        if self._saved:
            self._saved = False
            self._path.unlink(missing_ok=True)
            sync_folder(self._path.parent)


def _cut(body: bytes, sizes: list[list[int]]) -> list[list[bytes]]:
    parts, at = [], 0
    for group in sizes:
        parts.append(
            [body[at + sum(group[:i]) : at + sum(group[: i + 1])] for i in range(len(group))]
        )
        at += sum(group)
    return parts
