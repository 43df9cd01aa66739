"""Two rankings of meanings become one: weighted reciprocal rank fusion.

Both rankings are needed for the reasons, so each is asked for, and fused here by the engine's
own formula (`Fusion.share`): asking the engine to fuse them as well would rank twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.answers import Hit
from otel_vector.store.contract import Fusion, Nearest
from otel_vector.store.models import Model, Models

__all__ = ["DenseQuestion", "Near", "Ranking", "dense_questions", "fused", "hits_of",
           "least_terms"]  # fmt: skip

Ranking = Sequence[tuple[int, float]]
"""Meaning ids with their scores, best first."""


@dataclass(frozen=True, slots=True)
class Near:
    """A hit before its text is read; see `Hit`."""

    id: MeaningId
    score: float
    cosine: float | None
    dense_rank: int | None
    bm25_rank: int | None


@dataclass(frozen=True, slots=True)
class DenseQuestion:
    """What one model is asked: a vector, and of which facets (empty for all)."""

    model: Model
    vector: Sequence[float]
    facets: tuple[Facet, ...]


def dense_questions(models: Models, question: Nearest) -> list[DenseQuestion]:
    """Return what each model that answers is asked, of those the question has a vector by."""
    vectors = dict(question.vectors)
    if question.vector is not None and models.default is not None:
        vectors[models.default.name] = question.vector
    current, found = models.current(), []
    for model in current:
        if model.name not in vectors:
            continue
        facets = question.facets
        if len(current) > 1:
            own = models.answered_by(model.name)
            facets = tuple(f for f in (question.facets or Facet) if f in own)
            if not facets:
                continue
        found.append(DenseQuestion(model, vectors[model.name], facets))
    return found


def least_terms(terms: Sequence[int], fusion: Fusion) -> int:
    """Return how many of a question's terms a BM25 hit has to hold."""
    return max(1, ceil(len(terms) * fusion.min_words))


def fused(rankings: Mapping[str, Ranking], question: Nearest) -> list[Near]:
    """Return the hits of the rankings, of `bm25` and of vectors, as one, best first.

    Equal scores are ranked by id: an engine gives them in any order.
    """
    ranks = {
        name: {number: (rank, score) for rank, (number, score) in enumerate(_ordered(ranking))}
        for name, ranking in rankings.items()
    }
    found = [_near(number, ranks, question.fusion) for number in set().union(*ranks.values())]
    return sorted(found, key=lambda near: (-near.score, near.id))[: question.limit]


def _ordered(ranking: Ranking) -> Ranking:
    return sorted(ranking, key=lambda entry: (-entry[1], entry[0]))


def hits_of(
    found: Sequence[Near], texts: Mapping[MeaningId, Meaning], models: Models
) -> list[Hit]:
    """Return hits with their texts; without those whose text is not there any more."""
    hits = []
    for near in found:
        meaning = texts.get(near.id)
        if meaning is not None:
            model = models.of(meaning.facet) if near.cosine is not None else None
            name = model.name if model else ""
            why = (near.score, near.cosine, near.dense_rank, near.bm25_rank)
            hits.append(Hit(meaning, *why, name))
    return hits


def _near(
    number: int, ranks: Mapping[str, Mapping[int, tuple[int, float]]], fusion: Fusion
) -> Near:
    dense = next((r[number] for name, r in ranks.items() if name != "bm25" and number in r), None)
    bm25 = ranks.get("bm25", {}).get(number)
    score = fusion.share(dense[0], fusion.dense_weight) if dense else 0.0
    score += fusion.share(bm25[0], fusion.bm25_weight) if bm25 else 0.0
    return Near(
        MeaningId(number),
        score,
        dense[1] if dense else None,
        dense[0] if dense else None,
        bm25[0] if bm25 else None,
    )
