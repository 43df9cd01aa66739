"""What is like this: like a span, like a meaning, or like a text."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter_ns
from typing import Final

from otel_vector.embed.contract import Role, Vector
from otel_vector.errors import InvalidQueryError, NotFoundError
from otel_vector.services.answers import GroupedAnswer, Why
from otel_vector.services.search import Restriction, Search
from otel_vector.services.search.group import Grouping, group
from otel_vector.services.search.question import check_page
from otel_vector.services.search.rank import Ranked
from otel_vector.services.search.retrieve import DEPTH, pointed_at, restricts
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import MeaningId, SpanId, Tenant, meaning_hex
from otel_vector.spans.meanings import Facet, Meaning, Signal
from otel_vector.store.contract import Hit, Nearest, TenantStore

__all__ = ["Similar", "SimilarQuestion"]

Vectors = Mapping[str, Vector]
"""A text's vectors, by name of the model."""

_MOST_ORIGINS: Final = 12  # meanings of one span that are looked for


@dataclass(frozen=True, slots=True)
class SimilarQuestion:
    """One thing, and what of its likes is asked for.

    Exactly one of `span`, `meaning` and `text` is given.

    Attributes:
        span: content id of a span or log record.
        meaning: id of a meaning, which is not part of the answer.
        text: any text, taken as it is: no query language.
        facets: only meanings of these facets; empty for those of the thing itself (for a
            text: all).
        restriction: what counts.
        limit: groups.
        examples: items shown with each.
        over: spans, log records, or both.
    """

    span: SpanId | None = None
    meaning: MeaningId | None = None
    text: str = ""
    facets: tuple[Facet, ...] = ()
    restriction: Restriction = field(default_factory=Restriction)
    limit: int = 10
    examples: int = 1
    over: tuple[Signal, ...] = (Signal.SPANS,)

    @property
    def searched(self) -> tuple[str, ...]:
        """The kinds of things that are searched."""
        return self.over


@dataclass(frozen=True, slots=True)
class _Origin:
    """A text to be near to: a known meaning's, or one handed in."""

    text: str
    meaning: Meaning | None = None


@dataclass(frozen=True, slots=True)
class Similar:
    """Answers what is similar, by the vectors of meanings; by words where one has none yet."""

    search: Search

    def answer(self, tenant: Tenant, question: SimilarQuestion) -> GroupedAnswer:
        """Return the nearest meanings of a thing's own, with what points at them.

        Raises:
            InvalidQueryError: not exactly one thing, or bounds.
            NotFoundError: no such span or meaning.
        """
        started_ns = perf_counter_ns()
        _check(question, self.search.config.max_limit)
        store = self.search.store.tenant(tenant)
        where = question.restriction.where(self.search.clock_ns())
        asked = self._asked(tenant, question.text) if question.text else {}
        ranked = self._ranked(store, question, where, asked)
        grouping = Grouping(where, question.over, question.examples)
        groups, _ = group(store, ranked, question.limit, grouping)
        answer = GroupedAnswer(
            secrets.token_hex(8),
            tuple(groups),
            None,
            self.search.pending(store),
            0.0,
            searched=question.searched,
        )
        return replace(answer, took_ms=(perf_counter_ns() - started_ns) / 1e6)

    def _asked(self, tenant: Tenant, text: str) -> dict[str, Vector]:
        embedder = self.search.embedder
        return embedder.of(tenant).vectors(text, Role.PASSAGE) if embedder else {}

    def _ranked(
        self, store: TenantStore, question: SimilarQuestion, where: Where, asked: Vectors
    ) -> list[Ranked]:
        within = None
        if restricts(where):
            within = pointed_at(store.reader, where, question.over).keys()
            if not within:
                return []
        depth = max(DEPTH, question.limit)
        found = [
            (origin, hit)
            for origin in _origins(store, question)
            for hit in store.meanings.nearest(
                replace(self._near(store, origin, question, asked), within=within, limit=depth)
            )
            if hit.meaning.id != question.meaning
        ]
        return _best(found)

    def _near(
        self, store: TenantStore, origin: _Origin, question: SimilarQuestion, asked: Vectors
    ) -> Nearest:
        """Return what to look for: by vector, or by words where there is none yet.

        Args:
            store: the tenant's.
            origin: what to be like.
            question: the whole question.
            asked: the vectors of its text by model, if it names one.
        """
        known, vectors = origin.meaning, asked
        facets = question.facets or ((known.facet,) if known else ())
        if known is not None:
            model = self.search.store.models.of(known.facet)
            found = store.meanings.vectors((known.id,))
            vectors = {model.name: found[known.id]} if model and known.id in found else {}
        return Nearest(None, None if vectors else origin.text, facets, vectors=vectors)


def _check(question: SimilarQuestion, max_limit: int) -> None:
    things = (question.span is not None, question.meaning is not None, bool(question.text))
    if sum(things) != 1:
        raise InvalidQueryError("name exactly one of span, meaning and text")
    check_page(question, max_limit)


def _origins(store: TenantStore, question: SimilarQuestion) -> list[_Origin]:
    if question.text:
        return [_Origin(question.text)]
    ids = (question.meaning,) if question.meaning is not None else _meanings_of(store, question)
    known = store.meanings.get(ids)
    if question.meaning is not None and not known:
        raise NotFoundError(f"there is no meaning {meaning_hex(question.meaning)}")
    wanted = [known[id_] for id_ in ids if id_ in known]
    if question.facets:
        wanted = [m for m in wanted if m.facet in question.facets] or wanted
    return [_Origin(meaning.text, meaning) for meaning in wanted[:_MOST_ORIGINS]]


def _meanings_of(store: TenantStore, question: SimilarQuestion) -> tuple[MeaningId, ...]:
    span = SpanId(question.span or "")
    for signal in Signal:
        for item in store.reader.items(signal, (span,)):
            return item.meanings
    raise NotFoundError(f"there is no span or log record {span}")


def _best(found: Iterable[tuple[_Origin, Hit]]) -> list[Ranked]:
    """Return each meaning once, by the origin it is nearest to, nearest first."""
    best: dict[MeaningId, Ranked] = {}
    for origin, hit in found:
        score = hit.score if hit.cosine is None else hit.cosine
        like = origin.meaning.id if origin.meaning else None
        known = best.get(hit.meaning.id)
        if known is None or score > (known.score or 0.0):
            why = Why(hit.meaning.facet, hit.dense_rank, hit.bm25_rank, hit.cosine, like=like)
            best[hit.meaning.id] = Ranked(hit.meaning.id, score, why)
    return sorted(best.values(), key=lambda r: (-(r.score or 0.0), r.meaning))
