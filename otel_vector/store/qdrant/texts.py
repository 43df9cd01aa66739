"""A meaning as a point, and a point as a meaning."""

from __future__ import annotations

from typing import Any

from qdrant_client import grpc as pb

from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.values import plain
from otel_vector.store.reading.terms import document_terms

__all__ = ["meaning_in", "meaning_point", "sparse"]


def meaning_point(bound: Bound, meaning: Meaning, created_us: int) -> Any:
    """Return a new meaning as a point, without dense vectors."""
    terms = document_terms(meaning.text)
    payload: dict[str, Any] = {
        "text": meaning.text.encode("utf-8", "replace").decode(),
        "facet": str(meaning.facet),
        "c": created_us,
        "w": list(terms.indices),
        "recipe": meaning.recipe,
    }
    if meaning.facet is Facet.OPERATION:
        payload |= {"service": meaning.service, "name": meaning.name, "kind": meaning.kind}
        payload["masked"] = meaning.name_masked
    point = bound.point(int(meaning.id), payload)
    if terms.indices:
        vector = pb.Vector(sparse=sparse(terms))
        point.vectors.vectors.vectors["bm25"].CopyFrom(vector)
    return point


def sparse(terms: Any) -> Any:
    """Return term weights as a message."""
    return pb.SparseVector(values=list(terms.values), indices=list(terms.indices))


def meaning_in(point: Any) -> Meaning:
    """Return the meaning that a point holds."""
    payload = plain(point.payload)
    return Meaning(
        id=MeaningId(point.id.num),
        facet=Facet(payload["facet"]),
        text=payload["text"],
        service=payload.get("service", ""),
        name=payload.get("name", ""),
        kind=payload.get("kind", 0),
        name_masked=payload.get("masked", False),
        recipe=payload["recipe"],
    )
