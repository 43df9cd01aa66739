"""First step: the meanings that may answer.

Without a restriction the nearest meanings of all are taken, more than a page needs. Under one,
the meanings that matching items point at are taken first and the nearest are sought among
them: however few items match, none of their meanings is lost to nearer ones that do not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from otel_vector.services.search.question import Understood
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import Hit, Nearest, SpanReader, TenantStore

__all__ = [
    "DEPTH",
    "depth",
    "nearest_among",
    "nearest_of_all",
    "nearest_within",
    "pointed_at",
    "restricts",
]

DEPTH: Final = 100
"""Meanings taken of one question, at least; also the groups that can be paged through."""


def depth(question: Understood) -> int:
    """Return how many meanings are taken for a question."""
    return max(DEPTH, question.asked.limit)


def restricts(where: Where) -> bool:
    """Return whether a restriction leaves items out, besides those of other run kinds."""
    return where.filter is not None or where.since_ns is not None or where.until_ns is not None


def nearest_of_all(
    store: TenantStore, question: Understood, vectors: Mapping[str, Sequence[float]]
) -> list[Hit]:
    """Return the meanings nearest to a question among all there are."""
    return store.meanings.nearest(
        Nearest(None, question.words, question.facets, limit=depth(question), vectors=vectors)
    )


def nearest_within(
    store: TenantStore, question: Understood, vectors: Mapping[str, Sequence[float]]
) -> list[Hit]:
    """Return the nearest among the meanings that items under the restriction point at."""
    within = pointed_at(store.reader, question.where, question.asked.over)
    return nearest_among(store, question, vectors, within.keys()) if within else []


def nearest_among(
    store: TenantStore,
    question: Understood,
    vectors: Mapping[str, Sequence[float]],
    within: Collection[MeaningId],
) -> list[Hit]:
    """Return the meanings nearest to a question among some."""
    return store.meanings.nearest(
        Nearest(None, question.words, question.facets, within, depth(question), vectors=vectors)
    )


def pointed_at(reader: SpanReader, where: Where, over: tuple[Signal, ...]) -> dict[MeaningId, int]:
    """Return the meanings that items of these signals point at, and how many do."""
    counts: dict[MeaningId, int] = {}
    for signal in over:
        for meaning, count in reader.candidates(signal, where).items():
            counts[meaning] = counts.get(meaning, 0) + count
    return counts
