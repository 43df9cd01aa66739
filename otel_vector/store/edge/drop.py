"""Dropping what is too old: whole partitions, or the early items of one.

::

    tallies ─▶ ledger: partition and shards unlisted, tallies added ─▶ shards let go
            ─▶ folder renamed ─▶ removed ─▶ meanings collected

Who reads meanwhile finds the partition as it was, or empty. What a crash leaves of it is removed
when the tenant is opened. Nothing is tombstoned: what is as old is not taken in again while
retention is on.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import qdrant_edge as engine

from otel_vector.spans.ids import SpanId
from otel_vector.spans.items import Item, items_of
from otel_vector.spans.meanings import Signal
from otel_vector.store.answers import Tally
from otel_vector.store.edge.collect import Ends
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.durable import rename_durably, sync_folder
from otel_vector.store.edge.forget import Forgetter
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.points import pages
from otel_vector.store.edge.retiring import Retiring
from otel_vector.store.edge.sizes import disk_bytes
from otel_vector.store.reading.streams import LIVE, LOGS, OTHER
from otel_vector.store.retired import added
from otel_vector.store.upkeep import Partition

__all__ = ["Counted", "Dropper"]

_STREAMS = (LIVE, OTHER, LOGS)
_LEAVING = ".leaving"
_BLUR_US = 4

State = tuple[int, int, int, int, int | None]
"""A shard, how often it was changed, and the microsecond before which its items go."""

Counted = dict[State, tuple[dict[int, Tally], int]]
"""Tallies by meaning of what goes from a shard in some state, and how many items go."""


class Dropper:
    """Drops items of one tenant.

    Its writing lock is held, and everything is checkpointed, except where told otherwise.
    """

    def __init__(self, data: TenantData, forgetter: Forgetter) -> None:
        """Drop within a tenant's folder."""
        self._data = data
        self._forgetter = forgetter

    def partitions(self) -> list[Partition]:
        """Return the partitions that hold something, in the order of their latest starts."""
        found = []
        for folder in self._data.manifest.folders():
            rows = [row for row in self._data.shards_of(_STREAMS, folder) if row.points]
            lows = [row.min_us for row in rows if row.min_us is not None]
            highs = [row.max_us for row in rows if row.max_us is not None]
            if lows and highs:
                items, size = sum(r.points for r in rows), disk_bytes(self._data.root / folder)
                ends = min(lows) * 1000, max(highs) * 1000
                found.append(Partition(folder, *ends, items, size))
        return sorted(found, key=lambda partition: partition.last_ns)

    def count(self, folder: str, before_ns: int | None) -> Counted:
        """Count ahead what a drop will take, while others write: 10 µs an item.

        The tenant's lock is held for a moment only; what changes afterwards is counted again.
        """
        with self._data.writing:
            rows = self._data.shards_of(_STREAMS, folder)
            before_us = _before_us(rows, before_ns)
            states = [(row, _state(row, before_us)) for row in rows]
        return {state: self._tallies(row, before_us) for row, state in states}

    def drop(self, folder: str, before_ns: int | None, counted: Counted) -> int:
        """Drop a partition, or its items before a start (to the microsecond); return how many."""
        self.complete()
        if folder not in self._data.manifest.folders():
            return 0
        rows = self._data.shards_of(_STREAMS, folder)
        before_us = _before_us(rows, before_ns)
        tallies, count = self._sums(rows, before_us, counted)
        if before_us is not None and not count:
            return 0
        self._data.ledger.retire(folder, before_us, tallies)
        if before_us is None:
            self._leave(folder, rows)
        else:
            self._cut(folder, before_us)
        self._forgetter.settle(_ends(tallies))
        return count

    def complete(self) -> None:
        """Complete what a crash or a fault left unfinished."""
        for folder in self._data.ledger.leaving():
            self._remove(folder)
        for folder, before_us in self._data.ledger.cuts().items():
            self._cut(folder, before_us)
        self._forgetter.complete()

    def _sums(
        self, rows: Sequence[ShardRow], before_us: int | None, counted: Counted
    ) -> tuple[dict[str, dict[int, Tally]], int]:
        """Return the tallies of what goes, by stream and meaning, and how many items go."""
        tallies: dict[str, dict[int, Tally]] = {stream: {} for stream in _STREAMS}
        count = 0
        for row in rows:
            known = counted.get(_state(row, before_us))
            found, items = known if known is not None else self._tallies(row, before_us)
            table, count = tallies[row.stream], count + items
            for meaning, tally in found.items():
                table[meaning] = added(table.get(meaning, Tally()), tally)
        return tallies, count

    def _tallies(self, row: ShardRow, before_us: int | None) -> tuple[dict[int, Tally], int]:
        """Return the tallies of what goes from a shard, by meaning, and how many items go."""
        retiring = Retiring()
        for record in self._early(row, before_us):
            retiring.add(record.payload)
        return retiring.tallies(lambda p: self._start_ns(row, p)), retiring.items

    def _start_ns(self, row: ShardRow, p: int) -> int | None:
        signal = Signal.LOGS if row.stream == LOGS else Signal.SPANS
        item = self._data.item_at(row.folder, p, signal)
        return None if item is None else item.start_ns

    def _early(self, row: ShardRow, before_us: int | None) -> Iterator[Any]:
        """Yield a shard's points before a start, or all."""
        condition = None
        if before_us is not None:
            window = engine.RangeFloat(lt=float(before_us + _BLUR_US))
            condition = engine.Filter(must=[engine.FieldCondition("s", range=window)])
        with self._data.pool.lease(row) as shard:
            for records in pages(shard.engine, condition):
                self._data.gate.step_aside()
                for record in records:
                    if before_us is None or record.payload["s"] < before_us:
                        yield record

    def _leave(self, folder: str, rows: Sequence[ShardRow]) -> None:
        """Let go of a partition that is not listed any more, and remove it."""
        self._data.leave(folder)
        self._data.pool.retire(rows)
        self._remove(folder)

    def _remove(self, folder: str) -> None:
        place, leaving = self._data.root / folder, self._data.root / f"{folder}{_LEAVING}"
        if folder not in self._data.manifest.folders() and place.exists():
            shutil.rmtree(leaving, ignore_errors=True)
            rename_durably(place, leaving)
        _remove_tree(leaving)
        self._data.ledger.left(folder)

    def _cut(self, folder: str, before_us: int) -> None:
        """Remove points and bytes of a partition's early items."""
        cuts = self._data.late.cuts
        cuts[folder] = max(before_us, cuts.get(folder, before_us))
        for row in self._data.shards_of(_STREAMS, folder):
            ids = [SpanId(record.id.hex) for record in self._early(row, before_us)]
            self._forgetter.remove_points(row, ids)
        for stream in _STREAMS:
            self._cut_blocks(folder, stream, before_us)
        self._data.blocks(folder).scrub()
        self._data.cache.drop(folder)
        self._data.ledger.cut_done(folder)

    def _cut_blocks(self, folder: str, stream: str, before_us: int) -> None:
        signal = Signal.LOGS if stream == LOGS else Signal.SPANS
        blocks = self._data.blocks(folder)
        keys = [key for key in blocks.keys(signal, stream) if key.min_us < before_us]
        blocks.remove([key.name for key in keys if key.max_us < before_us])
        for key in keys:
            block = blocks.read(key.name)
            if block is not None:
                positions = _early_positions(signal, block.message, before_us)
                blocks.blank(key.name, positions)


def _before_us(rows: Sequence[ShardRow], before_ns: int | None) -> int | None:
    """Return the microsecond before which items go; None if all of them do."""
    before_us = None if before_ns is None else before_ns // 1000
    if before_us is not None and all(_is_before(row, before_us) for row in rows):
        return None
    return before_us


def _state(row: ShardRow, before_us: int | None) -> State:
    """Return what is another one after any change of a shard's points."""
    return row.id, row.generation, row.changed, row.points, before_us


def _is_before(row: ShardRow, before_us: int) -> bool:
    return not row.points or (row.max_us is not None and row.max_us < before_us)


def _early_positions(signal: Signal, message: bytes, before_us: int) -> list[int]:
    items: list[Item] = items_of(signal, message, _unnamed())
    return [at for at, item in enumerate(items) if item.start_ns // 1000 < before_us]


def _unnamed() -> Iterator[SpanId]:
    while True:
        yield SpanId("")


def _ends(tallies: Mapping[str, Mapping[int, Tally]]) -> dict[str, dict[int, Ends]]:
    """Return first and last start of what goes, in microseconds."""
    return {
        stream: {m: (t.first_ns // 1000, t.last_ns // 1000) for m, t in table.items()}
        for stream, table in tallies.items()
    }


def _remove_tree(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
        sync_folder(folder.parent)
