"""Open shards: at most so many, the least recently used one is closed.

A shard is used within a `lease`; a leased shard is never closed. Opening costs some 25 ms,
70 memory maps and a thread.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import RLock

from otel_vector.errors import StorageFullError
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.shard import SpanShard, shard_folder
from otel_vector.store.edge.skip import Skip

__all__ = ["Pool"]


class Pool:
    """The open shards of one tenant, and the Bloom filters of all."""

    def __init__(self, root: Path, limit: int) -> None:
        """Serve shards below `root`, at most `limit` of them open."""
        self._root = root
        self._limit = limit
        self._lock = RLock()
        self._open: OrderedDict[int, SpanShard] = OrderedDict()
        self._leases: dict[int, int] = {}
        self._skips: dict[int, Skip] = {}

    @contextmanager
    def lease(self, row: ShardRow) -> Iterator[SpanShard]:
        """Use a shard, opening it if need be."""
        with self._lock:
            shard = self._opened(row)
            self._leases[row.id] = self._leases.get(row.id, 0) + 1
        try:
            yield shard
        finally:
            with self._lock:
                self._leases[row.id] -= 1

    def _opened(self, row: ShardRow) -> SpanShard:
        shard = self._open.get(row.id)
        if shard is None:
            self._make_room()
            shard = self._open[row.id] = SpanShard(shard_folder(self._root / row.folder, row), row)
        self._open.move_to_end(row.id)
        return shard

    def _make_room(self) -> None:
        """Close the least recently used shards that nobody uses.

        On a full disk what was written cannot be flushed; such a shard stays open, over the
        limit, until there is space.
        """
        for number, shard in list(self._open.items()):
            if len(self._open) < self._limit:
                return
            if not self._leases.get(number):
                with suppress(StorageFullError):
                    shard.close()
                    del self._open[number]

    def skip(self, row: ShardRow) -> Skip:
        """Return a shard's Bloom filters, made again from its points if they were not saved."""
        skip = self._skips.get(row.id)
        if skip is not None:
            return skip
        with self._lock:
            # Asked again: another thread may have made it, and the writer added to it, meanwhile.
            skip = self._skips.get(row.id)
            if skip is None:
                skip = self._skips[row.id] = self._loaded_skip(row)
        return skip

    def _loaded_skip(self, row: ShardRow) -> Skip:
        skip = Skip(shard_folder(self._root / row.folder, row).with_suffix(".bloom"))
        if not skip.complete:
            with self.lease(row) as shard:
                skip.rebuild(shard.engine)
        return skip

    def dirty(self) -> list[ShardRow]:
        """Return the open shards with updates that are not flushed; lease each to flush it."""
        with self._lock:
            return [shard.row for shard in self._open.values() if shard.dirty]

    def open_count(self) -> int:
        """Return how many shards are open."""
        return len(self._open)

    def close(self) -> None:
        """Flush and close every shard and save every Bloom filter."""
        with self._lock, ExitStack() as closing:
            for skip in self._skips.values():
                closing.callback(skip.save)
            for shard in self._open.values():
                closing.callback(shard.close)
            self._open = OrderedDict()
