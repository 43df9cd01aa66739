"""Whole traces, found by one of their spans: newest first, or by meaning.

What tools of the field ask for when they list traces: those that have a span which fulfils all
conditions at once. Without a question in words the traces come in the order of their newest
matching span. With one, the meanings nearest to it among those that matching spans point at are
taken, and traces come in the order of their best meaning, the newest first within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from otel_vector.embed.contract import Role
from otel_vector.services.search import Search, SearchQuestion
from otel_vector.services.search.listing import listed_by_meaning, listed_by_time
from otel_vector.services.search.pages import PageState
from otel_vector.services.search.question import Understood
from otel_vector.services.search.rank import Ranked, features_of, rank
from otel_vector.services.search.retrieve import nearest_within
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.items import Item
from otel_vector.spans.matching import compile_where
from otel_vector.spans.meanings import Facet
from otel_vector.store.contract import SpanReader, TenantStore

__all__ = ["MEANINGS", "MOST_SPANS", "Finding", "FoundTrace", "Match", "TraceQuestion"]

MEANINGS: Final = 10
"""Meanings that answer a question in words, the nearest ones."""

MOST_SPANS: Final = 100_000
"""Matching spans that are looked at for one question; they may all be of a few traces."""

_FACETS: Final = tuple(facet for facet in Facet if facet not in {Facet.LOG, Facet.CODE})
_FIRST_PAGE: Final = 50
_LARGEST_PAGE: Final = 2_000


@dataclass(frozen=True, slots=True)
class TraceQuestion:
    """Which traces are asked for.

    Attributes:
        where: what one span of a trace has to fulfil.
        meaning: words, taken as they are: no query language; empty for none.
        limit: traces at most.
    """

    where: Where = field(default_factory=Where)
    meaning: str = ""
    limit: int = 20


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
            QueryTimeoutError: reading took longer than `store.query_timeout_s`.
        """
        return self._found(tenant, question)[0]

    def traces(self, tenant: Tenant, question: TraceQuestion) -> Iterator[FoundTrace]:
        """Yield the traces that answer; each is read when its turn comes.

        Raises:
            EmbedderUnavailableError: the words could not be given a vector.
            QueryTimeoutError: reading took longer than `store.query_timeout_s`.
        """
        store = self.search.store.tenant(tenant)
        trace_ids, ranked = self._found(tenant, question)
        match = _matcher(store, question, ranked)
        for trace_id in trace_ids:
            spans = store.reader.trace(trace_id)
            matches = ((item.id, match(item)) for item in spans)
            matched = {span_id: found for span_id, found in matches if found is not None}
            if spans:
                yield FoundTrace(trace_id, spans, matched)

    def _found(
        self, tenant: Tenant, question: TraceQuestion
    ) -> tuple[list[bytes], Sequence[Ranked]]:
        store = self.search.store.tenant(tenant)
        words, where = question.meaning.strip(), question.where
        understood = Understood(words, where, _FACETS, SearchQuestion(group=False))
        ranked = self._nearest(tenant, store, understood) if words else []
        state = PageState(where.since_ns, where.until_ns, ranked=tuple(ranked))
        if words and not ranked:
            return [], ranked
        return _trace_ids(store.reader, understood, state, question.limit), ranked

    def _nearest(
        self, tenant: Tenant, store: TenantStore, understood: Understood
    ) -> Sequence[Ranked]:
        embedder = self.search.embedder
        words = understood.words
        vectors = embedder.of(tenant).vectors(words, Role.QUESTION) if embedder else {}
        hits = nearest_within(store, understood, vectors)
        return rank(features_of(hits, words))[:MEANINGS]


def _trace_ids(
    reader: SpanReader, understood: Understood, state: PageState | None, limit: int
) -> list[bytes]:
    """Return the first traces of a listing of spans, page by page."""
    listed = listed_by_meaning if understood.words else listed_by_time
    found: dict[bytes, None] = {}
    page, looked_at = max(_FIRST_PAGE, min(limit, _LARGEST_PAGE)), 0
    while state is not None and len(found) < limit and looked_at < MOST_SPANS:
        asked = replace(understood, asked=replace(understood.asked, limit=page))
        items, state = listed(reader, asked, state)
        found.update(dict.fromkeys(entry.item.message.trace_id for entry in items))
        page, looked_at = min(2 * page, _LARGEST_PAGE), looked_at + len(items)
    return list(found)[:limit]


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
