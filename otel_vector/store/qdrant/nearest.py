"""Nearest meanings: each model's ranking and that of BM25, asked at once and fused here.

A BM25 hit counts only if it holds enough of the question's terms, which the server checks on `w`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qdrant_client import grpc as pb

from otel_vector.errors import InvalidInputError
from otel_vector.spans.ids import MeaningId
from otel_vector.store.contract import Hit, Nearest
from otel_vector.store.models import Model, Models
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.names import vector_name
from otel_vector.store.qdrant.render import among, holds_text, render
from otel_vector.store.qdrant.texts import meaning_in, sparse
from otel_vector.store.reading.conditions import equals_any
from otel_vector.store.reading.fusing import least_terms
from otel_vector.store.reading.terms import question_terms

__all__ = ["nearest_hits"]


def nearest_hits(bound: Bound, models: Models, question: Nearest, gone: Any) -> list[Hit]:
    """Return the nearest meanings, best first."""
    if question.within is not None and not question.within:
        return []
    asked = _requests(bound, models, question, gone)
    if not asked:
        return []
    answers = bound.query([request for _, request in asked])
    texts, dense, bm25 = {}, {}, {}
    for (model, _), points in zip(asked, answers, strict=True):
        for rank, point in enumerate(points):
            texts[point.id.num] = meaning_in(point)
            if model is None:
                bm25[point.id.num] = rank
            else:
                dense[point.id.num] = (rank, point.score, model.name)
    fusion, hits = question.fusion, []
    for number, meaning in texts.items():
        near, word = dense.get(number), bm25.get(number)
        score = fusion.share(near[0], fusion.dense_weight) if near else 0.0
        score += fusion.share(word, fusion.bm25_weight) if word is not None else 0.0
        hit = Hit(meaning, score, None, None, word)
        if near:
            hit = replace(hit, dense_rank=near[0], cosine=near[1], model=near[2])
        hits.append(hit)
    hits.sort(key=lambda hit: (-hit.score, hit.meaning.id))
    return hits[: question.limit]


def _requests(
    bound: Bound, models: Models, question: Nearest, gone: Any
) -> list[tuple[Model | None, Any]]:
    found: list[tuple[Model | None, Any]] = []
    vectors = dict(question.vectors)
    if question.vector is not None and models.default is not None:
        vectors[models.default.name] = question.vector
    for model in models.current():
        facets = models.answered_by(model.name)
        if question.facets:
            facets &= frozenset(question.facets)
        if model.name in vectors and facets:
            must = [holds_text("facet", [str(f) for f in facets]), *_within(question)]
            vector = _dense(vectors[model.name], model)
            where = bound.filter(must, [gone])
            found.append((model, _query(bound, vector, vector_name(model), where, question)))
    terms = question_terms(question.text) if question.text else None
    if terms is not None and terms.indices:
        where = bound.filter([*_facets(question), *_within(question)], [gone])
        holds = [render(equals_any("w", [term])) for term in terms.indices]
        least = least_terms(terms.indices, question.fusion)
        where.min_should.CopyFrom(pb.MinShould(conditions=holds, min_count=least))
        vector = pb.VectorInput(sparse=sparse(terms))
        found.append((None, _query(bound, vector, "bm25", where, question)))
    return found


def _query(bound: Bound, vector: Any, using: str, where: Any, question: Nearest) -> Any:
    return pb.QueryPoints(
        collection_name=bound.names.of("meanings"), query=pb.Query(nearest=vector), using=using,
        filter=where, limit=question.limit, with_payload=pb.WithPayloadSelector(enable=True),
    )  # fmt: skip


def _dense(vector: Sequence[float], model: Model) -> Any:
    if len(vector) != model.dimension:
        raise InvalidInputError(
            f"a vector of {len(vector)} numbers in a space of dimension {model.dimension};"
            f" embed it with {model.name}"
        )
    return pb.VectorInput(dense=pb.DenseVector(data=vector))


def _facets(question: Nearest) -> list[Any]:
    return [holds_text("facet", [str(f) for f in question.facets])] if question.facets else []


def _within(question: Nearest) -> list[Any]:
    return [] if question.within is None else [among([int(MeaningId(i)) for i in question.within])]
