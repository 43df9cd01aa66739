"""Nearest meanings: the engine's dense and BM25 rankings, fused by weighted reciprocal rank.

Both rankings are needed for the reasons, so they are asked in one batch and fused here, by the
engine's own formula (`Fusion.share`): asking the engine to fuse them as well would rank twice.
A BM25 hit counts only if it holds enough of the question's terms, which the engine checks on `w`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import qdrant_edge as engine

from otel_vector.spans.ids import MeaningId
from otel_vector.store.contract import Fusion, Nearest
from otel_vector.store.edge.terms import question_terms

__all__ = ["Near", "nearest_hits"]


@dataclass(frozen=True, slots=True)
class Near:
    """A hit before its text is read; see `Hit`."""

    id: MeaningId
    score: float
    cosine: float | None
    dense_rank: int | None
    bm25_rank: int | None


def nearest_hits(shard: engine.EdgeShard, question: Nearest, *, dense: bool) -> list[Near]:
    """Return the nearest meanings' ids, scores and ranks, best first."""
    rankings = _rankings(question, dense=dense)
    if not rankings:
        return []
    answers = shard.query_batch(engine.QueryBatchRequest(list(rankings.values())))
    ranks = {
        name: {point.id: (rank, point.score) for rank, point in enumerate(points)}
        for name, points in zip(rankings, answers, strict=True)
    }
    found = [_near(number, ranks, question.fusion) for number in set().union(*ranks.values())]
    return sorted(found, key=lambda near: (-near.score, near.id))[: question.limit]


def _near(number: int, ranks: dict[str, dict[int, tuple[int, float]]], fusion: Fusion) -> Near:
    dense = ranks.get("dense", {}).get(number)
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


def _rankings(question: Nearest, *, dense: bool) -> dict[str, engine.QueryRequest]:
    conditions = _conditions(question)
    rankings = {}
    if dense and question.vector is not None:
        near = engine.Query.Nearest(list(question.vector), using="dense")
        within = engine.Filter(must=conditions) if conditions else None
        rankings["dense"] = _request(near, within, question.limit)
    terms = question_terms(question.text) if question.text else None
    if terms is not None and terms.indices:
        near = engine.Query.Nearest(terms, using="bm25")
        enough = _holding_enough(terms.indices, question.fusion.min_words, conditions)
        rankings["bm25"] = _request(near, enough, question.limit)
    return rankings


def _request(query: Any, condition: Any, limit: int) -> engine.QueryRequest:
    return engine.QueryRequest(
        limit=limit, query=query, filter=condition, with_payload=False, with_vector=False
    )


def _conditions(question: Nearest) -> list[Any]:
    conditions: list[Any] = []
    if question.facets:
        facets = [str(facet) for facet in question.facets]
        conditions.append(engine.FieldCondition("facet", match=engine.MatchAny(facets)))
    if question.within is not None:
        conditions.append(engine.HasIdCondition({int(i) for i in question.within}))
    return conditions


def _holding_enough(
    terms: Sequence[int], min_share: float, conditions: list[Any]
) -> engine.Filter:
    holds = [engine.FieldCondition("w", match=engine.MatchValue(term)) for term in terms]
    least = max(1, ceil(len(terms) * min_share))
    return engine.Filter(must=conditions or None, min_should=engine.MinShould(holds, least))
