"""Nearest meanings: the engine's dense and BM25 rankings, asked in one batch and fused.

A BM25 hit counts only if it holds enough of the question's terms, which the engine checks on `w`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qdrant_edge as engine

from otel_vector.spans.meanings import Facet
from otel_vector.store.contract import Nearest
from otel_vector.store.edge.spaces import Spaces
from otel_vector.store.reading.fusing import Near, dense_questions, fused, least_terms
from otel_vector.store.reading.terms import question_terms

__all__ = ["nearest_hits"]


def nearest_hits(shard: engine.EdgeShard, question: Nearest, spaces: Spaces) -> list[Near]:
    """Return the nearest meanings' ids, scores and ranks, best first."""
    rankings = _rankings(question, spaces)
    if not rankings:
        return []
    answers = shard.query_batch(engine.QueryBatchRequest(list(rankings.values())))
    found = {
        name: [(point.id, point.score) for point in points]
        for name, points in zip(rankings, answers, strict=True)
    }
    return fused(found, question)


def _rankings(question: Nearest, spaces: Spaces) -> dict[str, engine.QueryRequest]:
    rankings = {}
    for asked in dense_questions(spaces.models, question):
        slot = spaces.slot(asked.model.name)
        near = engine.Query.Nearest(list(asked.vector), using=slot)
        conditions = _conditions(asked.facets, question)
        within = engine.Filter(must=conditions) if conditions else None
        rankings[slot] = _request(near, within, question.limit)
    conditions = _conditions(question.facets, question)
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


def _conditions(facets: Sequence[Facet], question: Nearest) -> list[Any]:
    conditions: list[Any] = []
    if facets:
        match = engine.MatchAny([str(facet) for facet in facets])
        conditions.append(engine.FieldCondition("facet", match=match))
    if question.within is not None:
        conditions.append(engine.HasIdCondition({int(i) for i in question.within}))
    return conditions


def _holding_enough(terms: Sequence[int], least: int, conditions: list[Any]) -> engine.Filter:
    holds = [engine.FieldCondition("w", match=engine.MatchValue(term)) for term in terms]
    return engine.Filter(must=conditions or None, min_should=engine.MinShould(holds, least))
