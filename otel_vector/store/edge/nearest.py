"""Nearest meanings: dense and BM25 rankings, fused in the engine by weighted reciprocal rank.

One batch of three queries: the fusion, and each ranking alone for the reasons. A BM25 hit
counts only if it holds enough of the question's terms, which the engine checks on `w`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import qdrant_edge as engine

from otel_vector.spans.ids import MeaningId
from otel_vector.store.contract import Nearest
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
    queries = [_alone(prefetch, question.limit) for prefetch in rankings.values()]
    if len(rankings) > 1:
        queries.append(_fused(list(rankings.values()), question))
    answers = shard.query_batch(engine.QueryBatchRequest(queries))
    ranks = {
        name: {point.id: (rank, point.score) for rank, point in enumerate(points)}
        for name, points in zip(rankings, answers, strict=False)
    }
    if len(rankings) > 1:
        scored = [(point.id, point.score) for point in answers[-1]]
    else:
        (name,) = rankings
        weight = question.fusion.dense_weight if name == "dense" else question.fusion.bm25_weight
        scored = [(i, question.fusion.share(r, weight)) for i, (r, _) in ranks[name].items()]
    return [_near(number, score, ranks) for number, score in scored]


def _near(number: int, score: float, ranks: dict[str, dict[int, tuple[int, float]]]) -> Near:
    dense = ranks.get("dense", {}).get(number)
    bm25 = ranks.get("bm25", {}).get(number)
    return Near(
        MeaningId(number),
        score,
        dense[1] if dense else None,
        dense[0] if dense else None,
        bm25[0] if bm25 else None,
    )


def _rankings(question: Nearest, *, dense: bool) -> dict[str, engine.Prefetch]:
    conditions = _conditions(question)
    rankings = {}
    if dense and question.vector is not None:
        rankings["dense"] = engine.Prefetch(
            limit=question.limit,
            query=engine.Query.Nearest(list(question.vector), using="dense"),
            filter=engine.Filter(must=conditions) if conditions else None,
        )
    terms = question_terms(question.text) if question.text else None
    if terms is not None and terms.indices:
        rankings["bm25"] = engine.Prefetch(
            limit=question.limit,
            query=engine.Query.Nearest(terms, using="bm25"),
            filter=_holding_enough(terms.indices, question.fusion.min_words, conditions),
        )
    return rankings


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


def _alone(prefetch: engine.Prefetch, limit: int) -> engine.QueryRequest:
    return engine.QueryRequest(
        limit=limit, query=prefetch.query, filter=prefetch.filter,
        with_payload=False, with_vector=False,
    )  # fmt: skip


def _fused(prefetches: list[engine.Prefetch], question: Nearest) -> engine.QueryRequest:
    weights = [question.fusion.dense_weight, question.fusion.bm25_weight]
    return engine.QueryRequest(
        limit=question.limit,
        prefetches=prefetches,
        query=engine.Fusion.Rrf(question.fusion.k, weights),
        with_payload=False,
        with_vector=False,
    )
