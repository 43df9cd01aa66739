"""The commonest meanings, without a question: what fails most often, what takes longest.

Every span under the restriction counts. How many point at each meaning, and how many of these
failed, is counted over all meanings at once; percentiles and the last start are known of one
meaning at a time. By these only the `MOST_COMPARED` commonest meanings are put in order, and the
answer says whether there are others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter_ns
from typing import Final

from otel_vector.errors import InvalidQueryError
from otel_vector.services.answers import MeaningGroup, Why
from otel_vector.services.search import Restriction, Search
from otel_vector.services.search.group import Grouping, group
from otel_vector.services.search.question import check_page, narrowed
from otel_vector.services.search.rank import Ranked
from otel_vector.spans.durations import percentile_ns
from otel_vector.spans.filters import BuiltIn, Compare, Op, Where
from otel_vector.spans.ids import MeaningId, Tenant
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.contract import Tally, TenantStore

__all__ = ["MOST_COMPARED", "Commonest", "CommonestAnswer", "CommonestQuestion", "Sort"]

MOST_COMPARED: Final = 200
"""Meanings that are compared by what is known of one at a time; `limit`, if that is more."""

_OVER: Final = (Signal.SPANS,)
_FAILED: Final = Compare(BuiltIn.STATUS, Op.EQ, ("error",))
_WITHOUT_SPANS: Final = (Facet.LOG, Facet.CODE)


class Sort(StrEnum):
    """What the meanings with most of it come first by."""

    ERRORS = "errors"
    """Spans whose status is error."""
    SPANS = "spans"
    P95 = "p95"
    """The duration that 95 % of the spans stay under."""
    LAST_SEEN = "last_seen"
    """The latest start."""


@dataclass(frozen=True, slots=True)
class CommonestQuestion:
    """Which meanings, and in what order.

    Attributes:
        facet: only meanings of this one.
        sort: what they are put in order by; by their number of spans where that is equal.
        restriction: which spans count.
        service: only spans of this service; empty for all.
        limit: meanings at most.
        examples: newest spans shown with each.
    """

    facet: Facet = Facet.OPERATION
    sort: Sort = Sort.SPANS
    restriction: Restriction = field(default_factory=Restriction)
    service: str = ""
    limit: int = 20
    examples: int = 1

    @property
    def searched(self) -> tuple[str, ...]:
        """The kinds of things that count."""
        return _OVER


@dataclass(frozen=True, slots=True)
class CommonestAnswer:
    """Meanings in order.

    Attributes:
        groups: each meaning with what points at it; without scores.
        found: meanings of the facet that matching spans point at.
        compared: how many of them were put in order, the commonest.
        took_ms: milliseconds spent on it.
    """

    groups: tuple[MeaningGroup, ...]
    found: int
    compared: int
    took_ms: float

    @property
    def is_truncated(self) -> bool:
        """Whether a meaning that was not compared might belong among these."""
        return self.compared < self.found


@dataclass(frozen=True, slots=True)
class Commonest:
    """Lists meanings by what points at them."""

    search: Search

    def answer(self, tenant: Tenant, question: CommonestQuestion) -> CommonestAnswer:
        """Return the first meanings of a facet in an order, with what points at them.

        Raises:
            InvalidQueryError: a bound, a time or a run kind, or a facet that no span has.
        """
        started_ns = perf_counter_ns()
        _check(question, self.search.config.max_limit)
        store = self.search.store.tenant(tenant)
        where = self._where(question)
        counts = _counts(store, where, question.facet)
        known = _known(store, where, counts, question)
        first = sorted(known, key=lambda meaning: _place(question.sort, known[meaning], meaning))
        ranked = [Ranked(meaning, None, Why(question.facet)) for meaning in first]
        grouping = Grouping(where, _OVER, question.examples)
        groups, _ = group(store, ranked, question.limit, grouping)
        # Counted again, and perhaps of more spans: they stand in the order of what they show.
        groups.sort(key=lambda one: _place(question.sort, one.spans, one.meaning.id))
        took_ms = (perf_counter_ns() - started_ns) / 1e6
        return CommonestAnswer(tuple(groups), len(counts), len(known), took_ms)

    def _where(self, question: CommonestQuestion) -> Where:
        where = question.restriction.where(self.search.clock_ns())
        if not question.service:
            return where
        return narrowed(where, Compare(BuiltIn.SERVICE, Op.EQ, (question.service,)))


def _check(question: CommonestQuestion, max_limit: int) -> None:
    check_page(question, max_limit)
    if question.facet in _WITHOUT_SPANS:
        facets = ", ".join(facet for facet in Facet if facet not in _WITHOUT_SPANS)
        raise InvalidQueryError(
            f"no span points at a meaning of facet {question.facet}: name one of {facets}"
        )


def _counts(store: TenantStore, where: Where, facet: Facet) -> dict[MeaningId, int]:
    """Return how many spans point at each meaning of a facet."""
    counts = store.reader.candidates(Signal.SPANS, where)
    meanings = store.meanings.get(counts.keys()).values()
    return {meaning.id: counts[meaning.id] for meaning in meanings if meaning.facet is facet}


def _known(
    store: TenantStore, where: Where, counts: Mapping[MeaningId, int], question: CommonestQuestion
) -> dict[MeaningId, Tally]:
    """Return what an order needs to know of each meaning that takes part in it."""
    if question.sort is Sort.SPANS:
        return {meaning: Tally(count) for meaning, count in counts.items()}
    if question.sort is Sort.ERRORS:
        failed = store.reader.candidates(Signal.SPANS, narrowed(where, _FAILED))
        return {meaning: Tally(n, failed.get(meaning, 0)) for meaning, n in counts.items()}
    commonest = sorted(counts, key=lambda meaning: (-counts[meaning], meaning))
    compared = commonest[: max(MOST_COMPARED, question.limit)]
    return store.reader.tally(Signal.SPANS, where, compared)


def _place(sort: Sort, tally: Tally, meaning: MeaningId) -> tuple[int, int, MeaningId]:
    """Return what puts a meaning in its place: the most comes first."""
    return -_value(sort, tally), -tally.count, meaning


def _value(sort: Sort, tally: Tally) -> int:
    match sort:
        case Sort.ERRORS:
            return tally.errors
        case Sort.SPANS:
            return tally.count
        case Sort.P95:
            return percentile_ns(tally.histogram, 0.95)
        case Sort.LAST_SEEN:
            return tally.last_ns
