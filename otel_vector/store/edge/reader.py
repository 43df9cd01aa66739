"""Reading spans and logs: listings, traces, by id. Counting is in `tally`.

A listing goes one of two ways. Where the engine can narrow the question down, its points are
walked newest first and, unless the condition is exact, confirmed on the decoded item. Where it
cannot, blocks are scanned newest first. Both stop when the page is full.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from heapq import nlargest
from typing import Final

import qdrant_edge as engine

from otel_vector.spans.filters import Where
from otel_vector.spans.ids import MeaningId, SpanId, trace_key
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import Cursor, Page, Tally
from otel_vector.store.edge.ahead import read_before
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.points import by_trace
from otel_vector.store.edge.render import filter_of, render
from otel_vector.store.edge.scan import Scan
from otel_vector.store.edge.tally import Tallies
from otel_vector.store.edge.walk import Found, walk
from otel_vector.store.edge.windows import overlapping
from otel_vector.store.reading.asking import asks_meanings
from otel_vector.store.reading.clause import Clause
from otel_vector.store.reading.compile import Compiler
from otel_vector.store.reading.listing import first_matches, is_beyond, order, page_of
from otel_vector.store.reading.needles import bytes_test
from otel_vector.store.reading.streams import LIVE, LOGS, OTHER, streams_of, test_of
from otel_vector.store.reading.sums import as_list

__all__ = ["EdgeReader"]

_PART: Final = 1_000
_INEXACT: Final = 128
"""Points read at once where not all of them match; the engine takes as long for a few."""
_FEW: Final = 2_000
"""Points that are cheaper to confirm one by one than blocks to scan."""


class EdgeReader:
    """Implements `SpanReader`. Any number of threads."""

    def __init__(self, data: TenantData, tenant: str, compiler: Compiler) -> None:
        """Read a tenant's folder."""
        self._data = data
        self._tenant = tenant
        self._compiler = compiler
        self._tallies = Tallies(data, tenant, compiler)

    def find(self, signal: Signal, where: Where, limit: int, after: Cursor | None = None) -> Page:
        """See `SpanReader`."""
        below_us = after.start_ns // 1000 if after else None
        streams, runs_exact = streams_of(signal, where)
        clause = self._compiler.where(signal, where)
        exact = clause.exact and runs_exact
        if exact or self._walks(where, clause, streams):
            found = self._walked(signal, where, clause, after, limit + 1, exact=exact)
        else:
            matches = Scan(self._data, self._tenant, signal, where).matches(streams, below_us)
            found = iter([first_matches(matches, limit + 1, after)])
        return page_of(found, limit, after)

    def _walks(self, where: Where, clause: Clause, streams: Sequence[str]) -> bool:
        """Whether walking points is the better way to answer an inexact question."""
        if where.filter is None or asks_meanings(where.filter):
            return True
        if clause.most is None:
            return False
        rows = overlapping(self._data.shards_of(streams), where)
        count, within = 0, filter_of(clause.most)
        for row in rows:
            with self._data.gate.reading(), self._data.pool.lease(row) as shard:
                count += shard.engine.count(engine.CountRequest(False, within))
            if count > _FEW:
                return bytes_test(where.filter) is None
        return True

    def _walked(
        self, signal: Signal, where: Where, clause: Clause, after: Cursor | None, page: int, *,
        exact: bool,
    ) -> Iterator[list[Item]]:  # fmt: skip
        """Yield items in groups of one start, latest first; of each the first `page`.

        A group can be as large as the store, if a sender has no clock: it is read in parts,
        block after block, and only its best are kept.
        """
        below_us = after.start_ns // 1000 if after else None
        streams, _ = streams_of(signal, where)
        rows = overlapping(self._data.shards_of(streams), where, below_us)
        keep = None if exact else test_of(signal, where)
        deadline, within = self._data.deadline(), render(clause.most)
        read_at_once = page if exact else max(page, _INEXACT)
        groups = walk(self._data.pool, self._data.gate, rows, within, below_us, read_at_once)
        for group in groups if exact else read_before(self._data, signal, groups):
            best: list[Item] = []
            group.sort(key=_place)
            for start in range(0, len(group), _PART):
                deadline.check()
                items = self._items(group[start : start + _PART], signal)
                fresh = (i for i in items if is_beyond(i, after) and (keep is None or keep(i)))
                best = nlargest(page, [*best, *fresh], key=order)
            yield best

    def _items(self, points: Iterable[Found], signal: Signal) -> Iterator[Item]:
        """Yield the items of points; one whose block is not there is not there either."""
        for point in points:
            item = self._data.item_at(point.row.folder, point.payload["p"], signal)
            if item is not None:
                meanings = tuple(MeaningId(m) for m in as_list(point.payload.get("m")))
                yield Item(
                    SpanId(point.id), signal, item.resource, item.scope, item.message, meanings
                )

    def trace(self, trace_id: bytes) -> list[Item]:
        """See `SpanReader`."""
        return self._of_trace(trace_id, (LIVE, OTHER), Signal.SPANS)

    def logs(self, trace_id: bytes) -> list[Item]:
        """See `SpanReader`."""
        return self._of_trace(trace_id, (LOGS,), Signal.LOGS)

    def _of_trace(self, trace_id: bytes, streams: Sequence[str], signal: Signal) -> list[Item]:
        key = trace_key(trace_id)
        items: list[Item] = []
        for row in self._data.shards_of(streams):
            if self._data.pool.skip(row).trace(key):
                with self._data.gate.reading(), self._data.pool.lease(row) as shard:
                    records = by_trace(shard.engine, key)
                found = [Found(row, record.id.hex, record.payload) for record in records]
                items += self._items(found, signal)
        return sorted((i for i in items if i.message.trace_id == trace_id), key=order)

    def items(self, signal: Signal, ids: Sequence[SpanId]) -> list[Item]:
        """See `SpanReader`."""
        streams = (LOGS,) if signal is Signal.LOGS else (LIVE, OTHER)
        found: dict[str, Item] = {}
        wanted = list(dict.fromkeys(ids))
        for row in self._data.shards_of(streams):
            suspects = self._data.pool.skip(row).ids(wanted) if wanted else []
            if suspects:
                with self._data.gate.reading(), self._data.pool.lease(row) as shard:
                    payloads = shard.payloads(suspects)
                points = [Found(row, span_id, payload) for span_id, payload in payloads.items()]
                found |= {item.id: item for item in self._items(points, signal)}
                wanted = [span_id for span_id in wanted if span_id not in found]
        return [found[span_id] for span_id in ids if span_id in found]

    def tally(
        self, signal: Signal, where: Where, meanings: Collection[MeaningId]
    ) -> dict[MeaningId, Tally]:
        """See `SpanReader`."""
        return self._tallies.tally(signal, where, meanings)

    def candidates(self, signal: Signal, where: Where) -> dict[MeaningId, int]:
        """See `SpanReader`."""
        return self._tallies.candidates(signal, where)


def _place(point: Found) -> tuple[str, int]:
    return point.row.folder, point.payload["p"]
