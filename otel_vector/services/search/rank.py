"""Second step: the order of the candidates, and the reasons for it.

The cosine of an operation is corrected by two priors (docs/relevance.md has the measurements):
how specific its words are, and whether it is where a service is called. The dense ranks are made
anew from the sums and fused with the BM25 ranks, by the same formula as in the store. The
weights are a value, so that they can be measured and changed in one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from otel_vector.services.answers import Why
from otel_vector.services.search.specificity import specificity
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet
from otel_vector.store.contract import Fusion, Hit

__all__ = ["WEIGHTS", "Features", "Ranked", "Weights", "features_of", "rank"]

_CALLED_KINDS: Final = frozenset({2, 5})  # server and consumer, as OTLP numbers them


@dataclass(frozen=True, slots=True)
class Weights:
    """What a feature is worth.

    Attributes:
        specificity: added to an operation's cosine, times how specific its words are.
        entry: added to the cosine of an operation that is called (server, consumer) rather
            than a step inside or a caller's view of the same call.
        exact: added to the score when the whole question occurs in the text.
        fusion: how the two rankings become one score.
    """

    specificity: float = 0.2
    entry: float = 0.02
    exact: float = 0.5
    fusion: Fusion = field(default_factory=Fusion)


WEIGHTS: Final = Weights()


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of a candidate before its items are looked at.

    Attributes:
        model: whose vectors were compared; cosines of different models are not comparable.
        cosine: of the dense vectors; None if it was not among the dense hits.
        specificity: see `specificity`; 0 for what is no operation.
        entry: whether it is an operation that is called.
        exact: whether the whole question occurs in the text, whatever its case.
    """

    meaning: MeaningId
    facet: Facet
    cosine: float | None
    dense_rank: int | None
    bm25_rank: int | None
    specificity: float
    entry: bool
    exact: bool
    model: str = ""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate in its place: the meaning, its score (None without words), the reasons."""

    meaning: MeaningId
    score: float | None
    why: Why


def features_of(hits: Sequence[Hit], words: str) -> list[Features]:
    """Return the features of what was retrieved for a question's words."""
    needle = words.casefold()
    operations = [h for h in hits if h.meaning.facet is Facet.OPERATION and h.cosine is not None]
    specific = specificity({hit.meaning.id: hit.meaning.text for hit in operations})
    return [
        Features(
            meaning=hit.meaning.id,
            facet=hit.meaning.facet,
            cosine=hit.cosine,
            dense_rank=hit.dense_rank,
            bm25_rank=hit.bm25_rank,
            specificity=specific.get(hit.meaning.id, 0.0),
            entry=hit.meaning.facet is Facet.OPERATION and hit.meaning.kind in _CALLED_KINDS,
            exact=bool(needle) and needle in hit.meaning.text.casefold(),
            model=hit.model,
        )
        for hit in hits
    ]


def rank(candidates: Sequence[Features], weights: Weights = WEIGHTS) -> list[Ranked]:
    """Return the candidates best first; equal scores by id, so that an order repeats."""
    places = _dense_places(candidates, weights)
    scored = sorted(
        (-_score(candidate, places.get(candidate.meaning), weights), candidate.meaning, candidate)
        for candidate in candidates
    )
    return [
        Ranked(c.meaning, -negative, Why(c.facet, c.dense_rank, c.bm25_rank, c.cosine, c.exact))
        for negative, _, c in scored
    ]


def _dense_places(candidates: Iterable[Features], weights: Weights) -> dict[MeaningId, int]:
    """Return the place of each dense candidate, from 0, by its corrected cosine.

    Each model's candidates have places of their own.
    """
    corrected: dict[str, list[tuple[float, MeaningId]]] = {}
    for candidate in candidates:
        if candidate.cosine is not None:
            cosine = _corrected(candidate.cosine, candidate, weights)
            corrected.setdefault(candidate.model, []).append((-cosine, candidate.meaning))
    return {
        meaning: place
        for ranking in corrected.values()
        for place, (_, meaning) in enumerate(sorted(ranking))
    }


def _corrected(cosine: float, candidate: Features, weights: Weights) -> float:
    entry = weights.entry if candidate.entry else 0.0
    return cosine + weights.specificity * candidate.specificity + entry


def _score(candidate: Features, place: int | None, weights: Weights) -> float:
    fusion = weights.fusion
    score = weights.exact if candidate.exact else 0.0
    if place is not None:
        score += fusion.share(place, fusion.dense_weight)
    if candidate.bm25_rank is not None:
        score += fusion.share(candidate.bm25_rank, fusion.bm25_weight)
    return score
