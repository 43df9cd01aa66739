"""Nearest meanings: the engine's dense and BM25 rankings, asked in one batch and fused.

A BM25 hit counts only if it holds enough of the question's terms, which the engine checks on `w`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qdrant_edge as engine

from otel_vector.store.contract import Nearest
from otel_vector.store.reading.fusing import Near, fused, least_terms
from otel_vector.store.reading.terms import question_terms

__all__ = ["nearest_hits"]


def nearest_hits(shard: engine.EdgeShard, question: Nearest, *, dense: bool) -> list[Near]:
    """Return the nearest meanings' ids, scores and ranks, best first."""
    rankings = _rankings(question, dense=dense)
    if not rankings:
        return []
    answers = shard.query_batch(engine.QueryBatchRequest(list(rankings.values())))
    found = {
        name: [(point.id, point.score) for point in points]
        for name, points in zip(rankings, answers, strict=True)
    }
    return fused(found, question)


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
        enough = _holding_enough(
            terms.indices, least_terms(terms.indices, question.fusion), conditions
        )
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


def _holding_enough(terms: Sequence[int], least: int, conditions: list[Any]) -> engine.Filter:
    holds = [engine.FieldCondition("w", match=engine.MatchValue(term)) for term in terms]
    return engine.Filter(must=conditions or None, min_should=engine.MinShould(holds, least))
