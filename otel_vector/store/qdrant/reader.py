"""Reading spans and logs: listings, traces, by id. Counting is in `tally`.

A listing goes one of two ways. Where an index can narrow the question down, points are walked
newest first and, unless the condition is exact, confirmed on the decoded item. Where none can,
blocks are scanned newest first. Both stop when the page is full.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from heapq import nlargest
from itertools import groupby
from typing import Final

from otel_vector.spans.filters import Where
from otel_vector.spans.ids import MeaningId, SpanId, trace_key
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import Cursor, Page, Tally
from otel_vector.store.qdrant.blocks import Blocks
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.points import Found, conditions, found_in, items_of, newest
from otel_vector.store.qdrant.scan import Scan
from otel_vector.store.qdrant.tally import Tallies
from otel_vector.store.reading.asking import asks_meanings
from otel_vector.store.reading.clause import NOTHING, Clause
from otel_vector.store.reading.compile import Compiler
from otel_vector.store.reading.conditions import equals_any
from otel_vector.store.reading.deadline import Deadline
from otel_vector.store.reading.listing import first_matches, is_beyond, order, page_of
from otel_vector.store.reading.needles import bytes_test
from otel_vector.store.reading.streams import LIVE, LOGS, OTHER, streams_of, test_of

__all__ = ["QdrantReader"]

_PART: Final = 1_000
_MAX_PAGE: Final = 2_000
_FEW: Final = 2_000
"""Points that are cheaper to confirm one by one than blocks to scan."""


class QdrantReader:
    """Implements `SpanReader`. Any number of threads."""

    def __init__(self, bound: Bound, blocks: Blocks, compiler: Compiler, timeout_s: float) -> None:
        """Read a tenant's points and blocks."""
        self._bound = bound
        self._blocks = blocks
        self._compiler = compiler
        self._timeout_s = timeout_s
        self._tallies = Tallies(bound, blocks, compiler, timeout_s)

    def find(self, signal: Signal, where: Where, limit: int, after: Cursor | None = None) -> Page:
        """See `SpanReader`."""
        below_us = after.start_ns // 1000 if after else None
        streams, runs_exact = streams_of(signal, where)
        clause = self._compiler.where(signal, where)
        exact = clause.exact and runs_exact
        if clause.most is NOTHING.most:
            return Page((), None)
        if exact or self._walks(where, clause, streams):
            found = self._walked(signal, where, clause, after, limit + 1, exact=exact)
        else:
            scan = Scan(self._bound, self._blocks, signal, where)
            matches = scan.matches(streams, Deadline(self._timeout_s), below_us)
            found = iter([first_matches(matches, limit + 1, after)])
        return page_of(found, limit, after)

    def _walks(self, where: Where, clause: Clause, streams: Sequence[str]) -> bool:
        """Whether walking points is the better way to answer an inexact question."""
        if where.filter is None or asks_meanings(where.filter):
            return True
        if clause.most is None:
            return False
        count = self._bound.count("spans", conditions(streams, clause.most))
        return count <= _FEW or bytes_test(where.filter) is None

    def _walked(
        self, signal: Signal, where: Where, clause: Clause, after: Cursor | None, page: int, *,
        exact: bool,
    ) -> Iterator[list[Item]]:  # fmt: skip
        """Yield items in groups of one start, latest first; of each the first `page`."""
        below_us = after.start_ns // 1000 if after else None
        streams, _ = streams_of(signal, where)
        keep = None if exact else test_of(signal, where)
        deadline = Deadline(self._timeout_s)
        for group in self._groups(conditions(streams, clause.most), below_us, page):
            best: list[Item] = []
            ordered = sorted(group, key=lambda found: found.place)
            if exact and len(ordered) > page:
                fits = [
                    f for f in ordered if after is None or _key(f) < (after.start_ns, after.id)
                ]
                ordered = nlargest(page, fits, key=_key)
            for start in range(0, len(ordered), _PART):
                deadline.check()
                items = items_of(self._blocks, ordered[start : start + _PART], signal)
                fresh = (i for i in items if is_beyond(i, after) and (keep is None or keep(i)))
                best = nlargest(page, [*best, *fresh], key=order)
            yield best

    def _groups(
        self, must: list[object], below_us: int | None, page: int
    ) -> Iterator[list[Found]]:
        while True:
            points = newest(self._bound, must, below_us, page)
            if not points:
                return
            for _, group in groupby(points, key=lambda found: found.start_us):
                yield list(group)
            below_us = points[-1].start_us - 1
            page = min(page * 2, _MAX_PAGE)

    def trace(self, trace_id: bytes) -> list[Item]:
        """See `SpanReader`."""
        return self._of_trace(trace_id, (LIVE, OTHER), Signal.SPANS)

    def logs(self, trace_id: bytes) -> list[Item]:
        """See `SpanReader`."""
        return self._of_trace(trace_id, (LOGS,), Signal.LOGS)

    def _of_trace(self, trace_id: bytes, streams: Sequence[str], signal: Signal) -> list[Item]:
        must = conditions(streams, equals_any("t", [trace_key(trace_id)]))
        found = map(found_in, self._bound.scroll("spans", must))
        items = items_of(self._blocks, found, signal)
        return sorted((i for i in items if i.message.trace_id == trace_id), key=order)

    def items(self, signal: Signal, ids: Sequence[SpanId]) -> list[Item]:
        """See `SpanReader`."""
        streams = (LOGS,) if signal is Signal.LOGS else (LIVE, OTHER)
        wanted = [str(i) for i in dict.fromkeys(ids)]
        points = self._bound.these("spans", wanted, conditions(streams, None))
        found = {i.id: i for i in items_of(self._blocks, map(found_in, points), signal)}
        return [found[i] for i in ids if i in found]

    def tally(
        self, signal: Signal, where: Where, meanings: Collection[MeaningId]
    ) -> dict[MeaningId, Tally]:
        """See `SpanReader`."""
        return self._tallies.tally(signal, where, meanings)

    def candidates(self, signal: Signal, where: Where) -> dict[MeaningId, int]:
        """See `SpanReader`."""
        return self._tallies.candidates(signal, where)


def _key(found: Found) -> tuple[int, str]:
    return found.start_ns, found.id
