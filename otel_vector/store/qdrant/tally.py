"""Counting: how many items point at a meaning, how long they took, when they were seen.

A facet on `d` under a meaning is its latency histogram, one on `m` are the candidate meanings.
Where indexes cannot tell exactly, what surely matches is counted, and the items between are
asked themselves; if they are too many, the blocks are scanned instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from otel_vector.spans.durations import BUCKETS
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.items import Item
from otel_vector.spans.keys import STATUS_ERROR
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import Tally
from otel_vector.store.qdrant.blocks import Blocks
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.points import conditions, found_in, items_of, tied
from otel_vector.store.qdrant.render import render
from otel_vector.store.qdrant.scan import Scan
from otel_vector.store.reading.asking import asks_meanings
from otel_vector.store.reading.clause import NOTHING, UNKNOWN, Clause
from otel_vector.store.reading.compile import Compiler
from otel_vector.store.reading.conditions import Condition, equals_any
from otel_vector.store.reading.deadline import Deadline
from otel_vector.store.reading.streams import streams_of, test_of
from otel_vector.store.reading.sums import Sum, count

__all__ = ["Tallies"]

_MANY: Final = 50_000
"""Items from which on a scan of all blocks is quicker than asking each."""
_NOTHING: Final = NOTHING.least

Split = tuple[list[str], Condition | None, dict[MeaningId, Sum]]
"""Streams, the condition that is counted under, and sums of the rest."""


class Tallies:
    """Answers `tally` and `candidates` of one tenant."""

    def __init__(self, bound: Bound, blocks: Blocks, compiler: Compiler, timeout_s: float) -> None:
        """Count a tenant's points."""
        self._bound = bound
        self._blocks = blocks
        self._compiler = compiler
        self._timeout_s = timeout_s

    def tally(
        self, signal: Signal, where: Where, meanings: Collection[MeaningId]
    ) -> dict[MeaningId, Tally]:
        """Return the tally of each meaning under a restriction."""
        streams, condition, others = self._split(signal, where)
        found = {m: Sum() for m in meanings}
        if condition is not _NOTHING and found:
            self.add(found, conditions(streams, condition))
        for meaning, total in found.items():
            total.add(others.get(meaning))
        return {meaning: total.tally() for meaning, total in found.items()}

    def add(self, found: dict[MeaningId, Sum], must: Sequence[Any]) -> None:
        """Add what there is under conditions to the sums of meanings."""
        bound = self._bound
        unders = {m: [render(equals_any("m", [m])), *must] for m in found}
        calls = [bound.facetting("spans", "d", BUCKETS + 10, under) for under in unders.values()]
        for total, answer in zip(found.values(), bound.connection.gather(calls), strict=True):
            counts = {hit.value.integer_value: hit.count for hit in answer.hits}
            total.histogram.update(counts)
        held = {m: under for m, under in unders.items() if found[m].histogram}
        if not held:
            return
        self._add_errors(found, must)
        self._add_ends(found, held)

    def _add_errors(self, found: dict[MeaningId, Sum], must: Sequence[Any]) -> None:
        """Count the failed items of all meanings by one facet; other meanings come with them."""
        error = render(equals_any("k", [STATUS_ERROR]))
        failed = [render(equals_any("m", found)), error, *must]
        hits = self._bound.facet("spans", "m", self._most(), failed)
        for meaning, failures in hits.items():
            total = found.get(MeaningId(meaning))
            if total is not None:
                total.errors += failures

    def _add_ends(self, found: dict[MeaningId, Sum], held: dict[MeaningId, list[Any]]) -> None:
        bound = self._bound
        calls = [
            bound.ordering("spans", "s", 2, newest=newest, must=under, fields=("s", "n"))
            for under in held.values()
            for newest in (False, True)
        ]
        answers = iter(bound.connection.gather(calls))
        for meaning, under in held.items():
            for _ in (False, True):
                points = [found_in(point) for point in next(answers).result]
                if len(points) > 1 and points[0].start_us == points[1].start_us:
                    points = tied(bound, under, points[0].start_us)
                for point in points[:1] if len({p.start_us for p in points}) > 1 else points:
                    found[meaning].saw(point.start_ns)

    def _most(self) -> int:
        return self._bound.count("meanings") + 1_000

    def candidates(self, signal: Signal, where: Where) -> dict[MeaningId, int]:
        """Return every meaning that an item under a restriction points at, and how many do."""
        streams, condition, others = self._split(signal, where)
        counts = Counter({m: total.histogram.total() for m, total in others.items()})
        if condition is not _NOTHING:
            must = conditions(streams, condition)
            hits = self._bound.facet("spans", "m", self._most(), must)
            counts.update({MeaningId(m): n for m, n in hits.items()})
        return dict(counts)

    def _split(self, signal: Signal, where: Where) -> Split:
        streams, runs_exact = streams_of(signal, where)
        clause = self._compiler.where(signal, where)
        if clause.exact and runs_exact:
            return streams, clause.most, {}
        return streams, *self._asked(signal, where, clause if runs_exact else UNKNOWN)

    def _asked(
        self, signal: Signal, where: Where, clause: Clause
    ) -> tuple[Condition | None, dict[MeaningId, Sum]]:
        """Ask the items between the bounds one by one, or all in a scan if they are many."""
        sums: dict[MeaningId, Sum] = {}
        streams, _ = streams_of(signal, where)
        between = conditions(streams, clause.unsure())
        points_only = where.filter is not None and asks_meanings(where.filter)
        if points_only or self._bound.count("spans", between) <= _MANY:
            for item, payload in self._between(signal, where, between):
                count(sums, payload, item.start_ns)
            return clause.least, sums
        scan = Scan(self._bound, self._blocks, signal, where)
        for _, matched in scan.matches(streams, Deadline(self._timeout_s)):
            for hit in matched:
                count(sums, hit.payload, hit.item.start_ns)
        return _NOTHING, sums

    def _between(
        self, signal: Signal, where: Where, must: Sequence[Any]
    ) -> Iterator[tuple[Item, dict[str, Any]]]:
        matches, deadline = test_of(signal, where), Deadline(self._timeout_s)
        found = sorted(map(found_in, self._bound.scroll("spans", must)), key=lambda f: f.place)
        payloads = {point.id: point.payload for point in found}
        for item in items_of(self._blocks, found, signal):
            deadline.check()
            if matches(item):
                yield item, payloads[item.id]
