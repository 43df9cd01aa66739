"""Open shards: at most so many, the least recently used one is closed.

A shard is used within a `lease`; a leased shard is never closed. Opening costs some 25 ms,
70 memory maps and a thread.
"""

from __future__ import annotations

import shutil
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Condition, RLock
from typing import Final

from otel_vector.errors import RetryableError, StorageFullError, StoreDamagedError
from otel_vector.store.edge.faults import lacking, translated
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.shard import SUMMARY, SpanShard, create_shard_folder, shard_folder
from otel_vector.store.edge.skip import Skip
from otel_vector.store.edge.summary import Summary

__all__ = ["Pool"]

_VOID: Final = ".void"
"""Folder of the shard that stands for dropped ones, while someone still asks for them."""


class Pool:
    """The open shards of one tenant, and the Bloom filters of all."""

    def __init__(self, root: Path, limit: int) -> None:
        """Serve shards below `root`, at most `limit` of them open."""
        self._root = root
        self._limit = limit
        self._lock = RLock()
        self._open: OrderedDict[int, SpanShard] = OrderedDict()
        self._skips: dict[int, Skip] = {}
        self._summaries: dict[int, tuple[int, Summary]] = {}
        self._unleased = Condition(self._lock)
        self._retired: set[int] = set()
        self._void: SpanShard | None = None
        self.broken: Callable[[ShardRow, StoreDamagedError], None] | None = None
        """Told of a shard that cannot be loaded; who asks for it then gets an empty one."""

    @contextmanager
    def lease(self, row: ShardRow) -> Iterator[SpanShard]:
        """Use a shard, opening it if need be."""
        with self._lock:
            shard = self._opened(row)
            shard.leases += 1
        try:
            yield shard
        finally:
            with self._unleased:
                shard.leases -= 1
                self._unleased.notify_all()

    def replace(self, shard: SpanShard) -> None:
        """Let a shard be the one that its row stands for.

        Those who hold the one before go on with it: `unused` waits for them.
        """
        with self._lock:
            self._open[shard.row.id] = shard

    def unused(self, shard: SpanShard) -> None:
        """Wait until nobody holds a shard that was replaced."""
        with self._unleased:
            self._unleased.wait_for(lambda: not shard.leases)

    def retire(self, rows: Collection[ShardRow]) -> None:
        """Let go of shards that are to be removed; who still asks for one gets an empty one."""
        numbers = {row.id for row in rows}
        with self._unleased:
            self._retired |= numbers
            for row in rows:
                row.full, row.points = True, 0
            held = [self._open[number] for number in numbers if number in self._open]
            self._unleased.wait_for(lambda: not any(shard.leases for shard in held))
            for number in numbers:
                self._skips.pop(number, None)
                self._summaries.pop(number, None)
                shard = self._open.pop(number, None)
                if shard is not None:
                    shard.engine.close()

    def _emptied(self) -> SpanShard:
        """Return an empty shard."""
        if self._void is None:
            folder = self._root / _VOID
            create_shard_folder(folder)
            self._void = SpanShard(folder, ShardRow(0, "", ""))
        return self._void

    def _opened(self, row: ShardRow) -> SpanShard:
        if row.id in self._retired:
            return self._emptied()
        shard = self._open.get(row.id)
        if shard is None:
            self._make_room()
            try:
                shard = SpanShard(shard_folder(self._root / row.folder, row), row)
            except StoreDamagedError as fault:
                if self.broken is None:
                    raise
                self._retired.add(row.id)
                row.full, row.points = True, 0
                self.broken(row, fault)
                return self._emptied()
            self._open[row.id] = shard
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
            if not shard.leases:
                with suppress(StorageFullError):
                    shard.close()
                    del self._open[number]

    def skip(self, row: ShardRow) -> Skip:
        """Return a shard's Bloom filters, made again from its points if they were not saved."""
        skip = self._skips.get(row.id)
        if skip is not None:
            return skip
        with self._lock:
            if row.id in self._retired:
                return Skip(self._root / _VOID / "none.bloom")
            # Asked again: another thread may have made it, and the writer added to it, meanwhile.
            skip = self._skips.get(row.id)
            if skip is None:
                skip = self._skips[row.id] = self._loaded_skip(row)
        return skip

    def _loaded_skip(self, row: ShardRow) -> Skip:
        path = shard_folder(self._root / row.folder, row).with_suffix(".bloom")
        with translated(f"reading {path}"):
            skip = Skip(path)
        if not skip.complete:
            with self.lease(row) as shard:
                skip.rebuild(shard.engine)
        return skip

    def summary(self, row: ShardRow) -> Summary | None:
        """Return a sealed shard's summary; None if it was changed since, and has none."""
        if not row.sealed:
            return None
        with self._lock:
            generation, known = self._summaries.get(row.id, (0, None))
            if known is None or generation != row.generation:
                try:
                    known = Summary(shard_folder(self._root / row.folder, row) / SUMMARY)
                except (OSError, ValueError) as fault:
                    if without := lacking(fault):
                        raise RetryableError(f"reading a summary: {without}") from fault
                    row.sealed = False  # it is counted by the engine until it is sealed again
                    return None
                self._summaries[row.id] = row.generation, known
            return known

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
            if self._void is not None:
                closing.callback(shutil.rmtree, self._root / _VOID, ignore_errors=True)
                closing.callback(self._void.engine.close)
                self._void = None
            self._open = OrderedDict()
