"""The open shards of a tenant; how many may be open in the whole store, `open_shards` says.

A shard is used within a `lease`; a leased shard is never closed. Opening costs some 25 ms,
70 memory maps and a thread.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Condition, RLock
from typing import Final

from otel_vector.errors import OtelVectorError, RetryableError, StoreDamagedError
from otel_vector.store.edge.faults import lacking, translated
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.open_shards import OpenShards
from otel_vector.store.edge.shard import SUMMARY, SpanShard, create_shard_folder, shard_folder
from otel_vector.store.edge.skip import Skip
from otel_vector.store.edge.summary import Summary

__all__ = ["Pool"]

_VOID: Final = ".void"
"""Folder of the shard that stands for dropped ones, while someone still asks for them."""
_NO_ROW: Final = 0
"""The number of that shard, which no row has."""


class Pool:
    """The open shards of one tenant, and the Bloom filters of all."""

    def __init__(self, root: Path, room: OpenShards) -> None:
        """Serve shards below `root`; `room` counts the open ones of all tenants."""
        self._root = root
        self._room = room
        self._lock = RLock()
        self._open: dict[int, SpanShard] = {}
        self._skips: dict[int, Skip] = {}
        self._summaries: dict[int, tuple[int, Summary]] = {}
        self._unleased = Condition(self._lock)
        self._retired: set[int] = set()
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
            self._enter(shard.row.id)
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
                    self._room.leave((self, number))

    def _emptied(self) -> SpanShard:
        """Return an empty shard."""

        def made() -> SpanShard:
            create_shard_folder(self._root / _VOID)
            return SpanShard(self._root / _VOID, ShardRow(_NO_ROW, "", ""))

        return self._kept(_NO_ROW, made)

    def _opened(self, row: ShardRow) -> SpanShard:
        if row.id in self._retired or row.id == _NO_ROW:
            return self._emptied()
        folder = shard_folder(self._root / row.folder, row)
        try:
            return self._kept(row.id, lambda: SpanShard(folder, row))
        except StoreDamagedError as fault:
            if self.broken is None:
                raise
            self._retired.add(row.id)
            row.full, row.points = True, 0
            self.broken(row, fault)
            return self._emptied()

    def _kept(self, number: int, opened: Callable[[], SpanShard]) -> SpanShard:
        """Return a shard that is open, or open it."""
        shard = self._open.get(number)
        if shard is not None:
            self._room.used((self, number))
            return shard
        self._enter(number)
        try:
            shard = self._open[number] = opened()
        except BaseException:  # whatever it is, it is not open
            self._room.leave((self, number))
            raise
        return shard

    def _enter(self, number: int) -> None:
        self._room.enter((self, number), partial(self._put_away, number))

    def _put_away(self, number: int) -> None:
        """Close a shard if nobody uses it.

        On a full disk what was written cannot be flushed; such a shard stays open, over the
        limit, until there is space.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            shard = self._open.get(number)
            if shard is not None and not shard.leases:
                with suppress(OtelVectorError):  # it stays open; the next checkpoint tells
                    shard.close()
                    del self._open[number]
                    self._room.leave((self, number))
        finally:
            self._lock.release()

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

    @property
    def is_full(self) -> bool:
        """Whether one more open shard would have another one closed, of whatever tenant."""
        return self._room.is_full

    def close(self) -> None:
        """Flush and close every shard and save every Bloom filter."""
        with self._lock, ExitStack() as closing:
            for skip in self._skips.values():
                closing.callback(skip.save)
            if _NO_ROW in self._open:
                closing.callback(shutil.rmtree, self._root / _VOID, ignore_errors=True)
            for number, shard in self._open.items():
                closing.callback(self._room.leave, (self, number))
                closing.callback(shard.engine.close)
                closing.callback(shard.flush)
            self._open = {}
