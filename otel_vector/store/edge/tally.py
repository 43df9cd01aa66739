"""Counting: how many items point at a meaning, how long they took, when they were seen.

These are engine facets: one on `d` under a meaning is its latency histogram, one on `m` are the
candidate meanings. Where the engine cannot tell exactly, it counts what surely matches, and the
items it is unsure of are asked themselves, once for all meanings; if they are too many, the
blocks are scanned instead. The last few of these are kept until something is written.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection
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
from otel_vector.store.edge.points import EVERY, ends
from otel_vector.store.edge.render import filter_of, render
from otel_vector.store.edge.scan import Scan
from otel_vector.store.edge.shard import SpanShard
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

_Ends = Extremes[_Place]


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
        streams, condition, others = self._split(signal, where)
        found = {m: Sum() for m in meanings}
        if condition is not _NOTHING:
            self._add_shards(streams, condition, found)
        if condition is None:
            self._add_seen(streams, found)
        for meaning, total in found.items():
            total.add(others.get(meaning))
        return {meaning: total.tally() for meaning, total in found.items()}

    def _add_shards(
        self, streams: list[str], condition: Condition | None, found: dict[MeaningId, Sum]
    ) -> None:
        """Count what matches a condition, by summaries where there is none."""
        given = render(condition)
        narrowed = [(_under(m, given), total, _Ends()) for m, total in found.items()]
        failed = _failed(found, given)
        for row in self._data.shards_of(streams):
            summary = self._data.pool.summary(row) if condition is None else None
            if summary is not None:
                for meaning, total in found.items():
                    summary.add_to(total, meaning)
                continue
            with self._data.gate.reading(), self._data.pool.lease(row) as shard:
                self._add_errors(shard, failed, found)
                for under, total, extremes in narrowed:
                    if _add(shard, under, total) and condition is not None:
                        _see_ends(shard, row, under, extremes)
        for _, total, extremes in narrowed:
            for start_ns in extremes.starts(self._start_ns):
                total.saw(start_ns)

    def _split(
        self, signal: Signal, where: Where
    ) -> tuple[list[str], Condition | None, dict[MeaningId, Sum]]:
        """Return streams, the condition that the engine counts under, and sums of the rest."""
        streams, runs_exact = streams_of(signal, where)
        clause = self._compiler.where(signal, where)
        if clause.exact and runs_exact:
            return streams, clause.most, {}
        key = (signal, where, self._data.version)
        with self._lock:
            kept = self._kept.get(key)
        if kept is None:
            kept = self._asked(signal, where, clause if runs_exact else UNKNOWN)
            with self._lock:
                self._kept[key] = kept
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return streams, *kept

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

    def _add_errors(
        self, shard: SpanShard, failed: engine.Filter, found: dict[MeaningId, Sum]
    ) -> None:
        """Count the failed items of all meanings by one facet; other meanings come with them."""
        for hit in shard.engine.facet(engine.FacetRequest("m", EVERY, False, failed)):
            total = found.get(MeaningId(int(hit.value)))
            if total is not None:
                total.errors += int(hit.count)

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
        streams, condition, others = self._split(signal, where)
        counts = Counter({m: total.histogram.total() for m, total in others.items()})
        filter_ = filter_of(condition)
        for row in self._data.shards_of(streams) if condition is not _NOTHING else ():
            summary = self._data.pool.summary(row) if condition is None else None
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


def _see_ends(shard: SpanShard, row: ShardRow, under: engine.Filter, extremes: _Ends) -> None:
    """Look at the first and the last item of a shard, unless they cannot be those of all."""
    if row.min_us is not None and row.max_us is not None and (row.min_us, row.max_us) in extremes:
        return
    for record in ends(shard.engine, under):
        extremes.see(record.payload["s"], (row, record.payload["p"]))
