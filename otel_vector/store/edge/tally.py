"""Counting: how many items point at a meaning, how long they took, when they were seen.

These are engine facets: one on `d` under a meaning is its latency histogram, one on `m` are the
candidate meanings. Where the engine cannot tell exactly, it counts what surely matches, and the
items it is unsure of are asked themselves, once for all meanings; if they are too many, the
blocks are scanned instead. The last few of these are kept until something is written.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

import qdrant_edge as engine

from otel_vector.spans.durations import BUCKETS
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.keys import STATUS_ERROR
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import Tally
from otel_vector.store.edge.between import unsure_items
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.extremes import Extremes
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.points import EVERY, end
from otel_vector.store.edge.render import filter_of, render
from otel_vector.store.edge.scan import Scan
from otel_vector.store.edge.shard import SpanShard
from otel_vector.store.edge.windows import is_within, overlapping
from otel_vector.store.reading.clause import NOTHING, UNKNOWN, Clause
from otel_vector.store.reading.compile import Compiler
from otel_vector.store.reading.conditions import Condition, equals_any
from otel_vector.store.reading.streams import LOGS, streams_of
from otel_vector.store.reading.sums import Sum, count

__all__ = ["Tallies"]

_KEPT: Final = 4
_NOTHING: Final = NOTHING.least

_Place = tuple[ShardRow, int]
"""A shard and where its block names an item."""


@dataclass(frozen=True, slots=True)
class _Split:
    """A restriction as the engine and the items themselves answer it.

    Attributes:
        where: the restriction.
        rows: shards that may hold what counts.
        condition: what the engine counts under; None for all.
        others: sums of the items that were asked themselves.
        is_window: whether it is nothing but a window that the engine tells exactly.
    """

    where: Where
    rows: list[ShardRow]
    condition: Condition | None
    others: dict[MeaningId, Sum]
    is_window: bool = False

    def takes_all_of(self, row: ShardRow) -> bool:
        """Whether every item of a shard counts."""
        return self.condition is None or (self.is_window and is_within(row, self.where))

    def bound_us(self, *, latest: bool) -> int | None:
        """Return the microsecond at the end of the window, or at its beginning; None for none."""
        bound_ns = self.where.until_ns if latest else self.where.since_ns
        return None if bound_ns is None else bound_ns // 1000


@dataclass(slots=True)
class _One:
    """A tally in the making: the meaning, what the engine counts under, and the two ends."""

    meaning: MeaningId
    under: engine.Filter
    total: Sum
    ends: Extremes[_Place] = field(default_factory=Extremes)


_Held = tuple[ShardRow, list[_One]]
"""A shard and the meanings that its items point at."""


def _under(meaning: MeaningId, condition: Any | None) -> engine.Filter:
    return engine.Filter(must=[render(equals_any("m", [meaning])), *_given(condition)])


def _failed(meanings: Collection[MeaningId], condition: Any | None) -> engine.Filter:
    held, error = equals_any("m", meanings), equals_any("k", [STATUS_ERROR])
    return engine.Filter(must=[render(held), render(error), *_given(condition)])


def _given(condition: Any | None) -> list[Any]:
    return [] if condition is None else [condition]


class Tallies:
    """Answers `tally` and `candidates` of one tenant."""

    def __init__(self, data: TenantData, tenant: str, compiler: Compiler) -> None:
        """Count within a tenant's folder."""
        self._data = data
        self._tenant = tenant
        self._compiler = compiler
        self._kept: OrderedDict[Any, tuple[Condition | None, dict[MeaningId, Sum]]] = OrderedDict()
        self._lock = Lock()

    def tally(
        self, signal: Signal, where: Where, meanings: Collection[MeaningId]
    ) -> dict[MeaningId, Tally]:
        """Return the tally of each meaning under a restriction."""
        split, found = self._split(signal, where), {m: Sum() for m in meanings}
        self._add_shards(split, found)
        if split.condition is None:
            self._add_seen(streams_of(signal, where)[0], found)
        for meaning, total in found.items():
            total.add(split.others.get(meaning))
        return {meaning: total.tally() for meaning, total in found.items()}

    def _add_shards(self, split: _Split, found: dict[MeaningId, Sum]) -> None:
        """Count what matches a condition, by summaries where everything does."""
        given = render(split.condition)
        ones = [_One(m, _under(m, given), total) for m, total in found.items()]
        failed = _failed(found, given)
        held = [(row, self._held(split, row, failed, ones)) for row in split.rows]
        if split.condition is not None:
            self._see_ends(split, held)
        for one in ones:
            for start_ns in one.ends.starts(self._start_ns):
                one.total.saw(start_ns)

    def _held(
        self, split: _Split, row: ShardRow, failed: engine.Filter, ones: list[_One]
    ) -> list[_One]:
        """Count a shard's items; return the meanings that some of them point at."""
        summary = self._data.pool.summary(row) if split.takes_all_of(row) else None
        if summary is not None:
            return [one for one in ones if summary.add_to(one.total, one.meaning)]
        with self._data.gate.reading(), self._data.pool.lease(row) as shard:
            _add_errors(shard, failed, ones)
            return [one for one in ones if _add(shard, one.under, one.total)]

    def _see_ends(self, split: _Split, held: list[_Held]) -> None:
        """Look for the first and the last item of each meaning.

        The earliest shard comes first for the one, the latest for the other; shards in which
        nothing further out can be are not asked.
        """
        for latest in (False, True):
            bound_us = split.bound_us(latest=latest)
            for row, ones in sorted(held, key=_place_of(latest=latest), reverse=latest):
                edge_us = _edge(row, latest=latest)
                wanted = [one for one in ones if not one.ends.is_beyond(edge_us, latest=latest)]
                if wanted:
                    self._see(row, wanted, latest=latest, bound_us=bound_us)

    def _see(
        self, row: ShardRow, wanted: list[_One], *, latest: bool, bound_us: int | None
    ) -> None:
        with self._data.gate.reading(), self._data.pool.lease(row) as shard:
            for one in wanted:
                for record in end(shard.engine, one.under, latest=latest, bound_us=bound_us):
                    one.ends.see(record.payload["s"], (row, record.payload["p"]))

    def _split(self, signal: Signal, where: Where) -> _Split:
        """Return how a restriction is answered: by which shards, and by which items."""
        streams, runs_exact = streams_of(signal, where)
        rows = overlapping(self._data.shards_of(streams), where)
        clause = self._compiler.where(signal, where)
        if clause.exact and runs_exact:
            counted = [] if clause.most is _NOTHING else rows
            return _Split(where, counted, clause.most, {}, where.filter is None)
        key = (signal, where, self._data.version)
        with self._lock:
            kept = self._kept.get(key)
        if kept is None:
            kept = self._asked(signal, where, clause if runs_exact else UNKNOWN)
            with self._lock:
                self._kept[key] = kept
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        condition, others = kept
        return _Split(where, [] if condition is _NOTHING else rows, condition, others)

    def _asked(
        self, signal: Signal, where: Where, clause: Clause
    ) -> tuple[Condition | None, dict[MeaningId, Sum]]:
        """Ask the items between the bounds one by one, or all in a scan if they are many."""
        sums: dict[MeaningId, Sum] = {}
        between = unsure_items(self._data, signal, where, clause)
        if between is not None:
            for item, payload in between:
                count(sums, payload, item.start_ns)
            return clause.least, sums
        streams, _ = streams_of(signal, where)
        for _, matched in Scan(self._data, self._tenant, signal, where).matches(streams):
            for hit in matched:
                count(sums, hit.payload, hit.item.start_ns)
        return _NOTHING, sums

    def _start_ns(self, place: _Place) -> int | None:
        row, p = place
        signal = Signal.LOGS if row.stream == LOGS else Signal.SPANS
        item = self._data.item_at(row.folder, p, signal)
        return None if item is None else item.start_ns

    def _add_seen(self, streams: list[str], found: dict[MeaningId, Sum]) -> None:
        for stream in streams:
            seen = self._data.seen.get(stream, {})
            for meaning, total in found.items():
                if meaning in seen and total.histogram:
                    for start_ns in seen[meaning]:
                        total.saw(start_ns)

    def candidates(self, signal: Signal, where: Where) -> dict[MeaningId, int]:
        """Return every meaning that an item under a restriction points at, and how many do."""
        split = self._split(signal, where)
        counts = Counter({m: total.histogram.total() for m, total in split.others.items()})
        filter_ = filter_of(split.condition)
        for row in split.rows:
            summary = self._data.pool.summary(row) if split.takes_all_of(row) else None
            counts.update(summary.counts() if summary else self._pointed_at(row, filter_))
        return dict(counts)

    def _pointed_at(self, row: ShardRow, filter_: engine.Filter | None) -> dict[MeaningId, int]:
        with self._data.gate.reading(), self._data.pool.lease(row) as shard:
            hits = shard.engine.facet(engine.FacetRequest("m", EVERY, False, filter_))
        return {MeaningId(int(hit.value)): int(hit.count) for hit in hits}


def _add(shard: SpanShard, under: engine.Filter, total: Sum) -> bool:
    """Count a shard's items by duration; return whether there are any."""
    hits = shard.engine.facet(engine.FacetRequest("d", BUCKETS + 10, False, under))
    counts = {int(hit.value): int(hit.count) for hit in hits}
    total.histogram.update(counts)
    return bool(counts)


def _add_errors(shard: SpanShard, failed: engine.Filter, ones: list[_One]) -> None:
    """Count the failed items of all meanings by one facet; other meanings come with them."""
    totals = {one.meaning: one.total for one in ones}
    for hit in shard.engine.facet(engine.FacetRequest("m", EVERY, False, failed)):
        total = totals.get(MeaningId(int(hit.value)))
        if total is not None:
            total.errors += int(hit.count)


def _edge(row: ShardRow, *, latest: bool) -> int:
    """Return the last start of a shard, or the first, in microseconds."""
    return (row.max_us if latest else row.min_us) or 0


def _place_of(*, latest: bool) -> Callable[[_Held], int]:
    return lambda held: _edge(held[0], latest=latest)
