"""Second step: the order of the candidates, and the reasons for it.

The score is a weighted sum of features; what each contributed can be read from its `Why`.
The weights are a value, so that they can be measured and changed in one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from otel_vector.services.answers import Why
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet
from otel_vector.store.contract import Hit

__all__ = ["WEIGHTS", "Features", "Ranked", "Weights", "features_of", "rank"]


@dataclass(frozen=True, slots=True)
class Weights:
    """What a feature is worth.

    Attributes:
        facets: factor of the fused score by facet; 1 for one that is not named.
        exact: added when the whole question occurs in the text.
    """

    facets: Mapping[Facet, float] = field(default_factory=lambda: MappingProxyType({}))
    exact: float = 0.5


WEIGHTS: Final = Weights()


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of a candidate before its items are looked at.

    Attributes:
        fused: score of the dense and BM25 rankings together.
        exact: whether the whole question occurs in the text, whatever its case.
    """

    meaning: MeaningId
    facet: Facet
    fused: float
    cosine: float | None
    dense_rank: int | None
    bm25_rank: int | None
    exact: bool


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate in its place: the meaning, its score (None without words), the reasons."""

    meaning: MeaningId
    score: float | None
    why: Why


def features_of(hits: Iterable[Hit], words: str) -> list[Features]:
    """Return the features of what was retrieved for a question's words."""
    needle = words.casefold()
    return [
        Features(
            hit.meaning.id,
            hit.meaning.facet,
            hit.score,
            hit.cosine,
            hit.dense_rank,
            hit.bm25_rank,
            exact=bool(needle) and needle in hit.meaning.text.casefold(),
        )
        for hit in hits
    ]


def rank(candidates: Iterable[Features], weights: Weights = WEIGHTS) -> list[Ranked]:
    """Return the candidates best first; equal scores by id, so that an order repeats."""
    scored = sorted((-_score(c, weights), c.meaning, c) for c in candidates)
    return [
        Ranked(c.meaning, -negative, Why(c.facet, c.dense_rank, c.bm25_rank, c.cosine, c.exact))
        for negative, _, c in scored
    ]


def _score(candidate: Features, weights: Weights) -> float:
    score = candidate.fused * weights.facets.get(candidate.facet, 1.0)
    return score + weights.exact if candidate.exact else score
