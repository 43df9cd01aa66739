"""Whole traces, found by one of their spans: newest first, or by meaning.

What tools of the field ask for when they list traces: those that have a span which fulfils all
conditions at once. Without a question in words the traces come in the order of their newest
matching span. With one, the meanings nearest to it among those that matching spans point at are
taken, and traces come in the order of their best meaning, the newest first within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from time import monotonic
from typing import Final

from otel_vector.embed.contract import Role
from otel_vector.errors import QueryTimeoutError
from otel_vector.services.search import Search, SearchQuestion
from otel_vector.services.search.listing import listed_by_meaning, listed_by_time
from otel_vector.services.search.pages import PageState
from otel_vector.services.search.question import Understood
from otel_vector.services.search.rank import Ranked, features_of, rank
from otel_vector.services.search.retrieve import nearest_within
from otel_vector.spans.filters import And, BuiltIn, Compare, Filter, Op, Where
from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.items import Item
from otel_vector.spans.matching import compile_where
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.contract import SpanReader, TenantStore

__all__ = [
    "MEANINGS",
    "MOST_S",
    "MOST_SPANS",
    "Finding",
    "FoundTrace",
    "Match",
    "Refinement",
    "TraceQuestion",
]

MEANINGS: Final = 10
"""Meanings that answer a question in words, the nearest ones."""

MOST_SPANS: Final = 100_000
"""Matching spans that are looked at for one question; they may all be of a few traces."""

MOST_S: Final = 25.0
"""Seconds for one question; tools that ask give up after thirty."""

_FACETS: Final = tuple(facet for facet in Facet if facet not in {Facet.LOG, Facet.CODE})
_LARGEST_PAGE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Refinement:
    """What a span has to fulfil that no filter can say.

    Attributes:
        possible: whether a span can fulfil it, told by the span alone; never false of one that
            does.
        within: given all spans of a trace, returns what tells whether one of them fulfils it.
        roots: what a span without a parent in the trace fulfils, if one in it does; None if that
            is not known. It spares reading traces.
    """

    possible: Callable[[Item], bool]
    within: Callable[[Sequence[Item]], Callable[[Item], bool]]
    roots: Filter | None = None


@dataclass(frozen=True, slots=True)
class TraceQuestion:
    """Which traces are asked for.

    Attributes:
        where: what one span of a trace has to fulfil.
        meaning: words, taken as they are: no query language; empty for none.
        limit: traces at most.
        refinement: what the same span has to fulfil besides; None for nothing.
    """

    where: Where = field(default_factory=Where)
    meaning: str = ""
    limit: int = 20
    refinement: Refinement | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Why a span matches: score and text of its best meaning; None without a question."""

    score: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class FoundTrace:
    """A trace that answers.

    Attributes:
        spans: all of them, of all run kinds, by start.
        matched: those that fulfil the question, by content id.
    """

    trace_id: bytes
    spans: Sequence[Item]
    matched: Mapping[SpanId, Match]


@dataclass(frozen=True, slots=True)
class Finding:
    """Finds traces."""

    search: Search

    def trace_ids(self, tenant: Tenant, question: TraceQuestion) -> list[bytes]:
        """Return the ids of the traces that answer, in the order told above.

        Raises:
            EmbedderUnavailableError: the words could not be given a vector.
            QueryTimeoutError: reading took longer than `store.query_timeout_s` or `MOST_S`.
        """
        if question.refinement is not None:
            return [found.trace_id for found in self.traces(tenant, question)]
        store = self.search.store.tenant(tenant)
        ranked = self._ranked(tenant, store, question)
        return list(islice(_trace_ids(store.reader, question, ranked), question.limit))

    def traces(self, tenant: Tenant, question: TraceQuestion) -> Iterator[FoundTrace]:
        """Yield the traces that answer; each is read when its turn comes.

        Raises:
            EmbedderUnavailableError: the words could not be given a vector.
            QueryTimeoutError: reading took longer than `store.query_timeout_s` or `MOST_S`.
        """
        store = self.search.store.tenant(tenant)
        ranked = self._ranked(tenant, store, question)
        match = _matcher(store, question, ranked)
        within = question.refinement.within if question.refinement else _anything
        answers = 0
        for trace_id in _trace_ids(store.reader, question, ranked):
            spans = store.reader.trace(trace_id)
            fulfils = within(spans)
            matches = ((item.id, match(item)) for item in spans if fulfils(item))
            matched = {span_id: found for span_id, found in matches if found is not None}
            if matched:
                answers += 1
                yield FoundTrace(trace_id, spans, matched)
            if answers == question.limit:
                return

    def _ranked(
        self, tenant: Tenant, store: TenantStore, question: TraceQuestion
    ) -> Sequence[Ranked]:
        understood = _understood(question)
        return self._nearest(tenant, store, understood) if understood.words else []

    def _nearest(
        self, tenant: Tenant, store: TenantStore, understood: Understood
    ) -> Sequence[Ranked]:
        embedder = self.search.embedder
        words = understood.words
        vectors = embedder.of(tenant).vectors(words, Role.QUESTION) if embedder else {}
        hits = nearest_within(store, understood, vectors)
        return rank(features_of(hits, words))[:MEANINGS]


def _understood(question: TraceQuestion) -> Understood:
    words = question.meaning.strip()
    return Understood(words, question.where, _FACETS, SearchQuestion(group=False))


def _anything(_: Sequence[Item]) -> Callable[[Item], bool]:
    return lambda _: True


def _trace_ids(
    reader: SpanReader, question: TraceQuestion, ranked: Sequence[Ranked]
) -> Iterator[bytes]:
    """Yield the traces of a listing of spans, each once; pages are read as they are needed."""
    understood, where = _understood(question), question.where
    if understood.words and not ranked:
        return
    listed = listed_by_meaning if understood.words else listed_by_time
    possible = question.refinement.possible if question.refinement else _always
    roots = question.refinement.roots if question.refinement else None
    state: PageState | None = PageState(where.since_ns, where.until_ns, ranked=tuple(ranked))
    seen, end = set[bytes](), monotonic() + MOST_S
    page, looked_at = max(1, min(question.limit, _LARGEST_PAGE)), 0  # a larger one reads further
    while state is not None and looked_at < MOST_SPANS:
        asked = replace(understood, asked=replace(understood.asked, limit=page))
        items, state = listed(reader, asked, state)
        likely = [entry.item for entry in items if possible(entry.item)]
        fresh = dict.fromkeys(i.message.trace_id for i in likely if i.message.trace_id not in seen)
        looked_at += len(likely)
        seen.update(fresh)
        for trace_id in _rooted(reader, list(fresh), roots) if roots else fresh:
            _check_time(end)
            yield trace_id
        _check_time(end)
        page = min(2 * page, _LARGEST_PAGE)


def _rooted(reader: SpanReader, trace_ids: Sequence[bytes], roots: Filter) -> list[bytes]:
    """Return those traces, in their order, that have a span without a parent under a filter."""
    if not trace_ids:
        return []
    named = Compare(BuiltIn.TRACE, Op.EQ, tuple(trace_id.hex() for trace_id in trace_ids))
    where = Where(And((named, Compare(BuiltIn.PARENT, Op.EQ, ("",)), roots)), runs=())
    found, after, is_first = set[bytes](), None, True
    while is_first or after is not None:
        page = reader.find(Signal.SPANS, where, len(trace_ids), after)
        found.update(item.message.trace_id for item in page.items)
        after, is_first = page.next, False
    return [trace_id for trace_id in trace_ids if trace_id in found]


def _always(_: Item) -> bool:
    return True


def _check_time(end: float) -> None:
    if monotonic() > end:
        raise QueryTimeoutError(
            f"the question was not answered in {MOST_S:g} s; narrow it by service or time window"
        )


def _matcher(
    store: TenantStore, question: TraceQuestion, ranked: Sequence[Ranked]
) -> Callable[[Item], Match | None]:
    """Return what tells whether a span fulfils a question, and why."""
    holds, plain = compile_where(question.where), Match()
    if not question.meaning.strip():
        return lambda item: plain if holds(item) else None
    texts = store.meanings.get([candidate.meaning for candidate in ranked])
    best = {
        candidate.meaning: Match(candidate.score, texts[candidate.meaning].text)
        for candidate in reversed(ranked)
        if candidate.meaning in texts
    }
    order = {candidate.meaning: place for place, candidate in enumerate(ranked)}

    def match(item: Item) -> Match | None:
        near = [meaning for meaning in item.meanings if meaning in best]
        return best[min(near, key=order.__getitem__)] if near and holds(item) else None

    return match
