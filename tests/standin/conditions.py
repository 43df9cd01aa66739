"""Filters: protobuf to the engine's conditions."""

from __future__ import annotations

from typing import Any

import qdrant_edge as engine
from qdrant_client import grpc as pb

from standin.refusals import only, unknown
from standin.values import plain_id

__all__ = ["filter_of", "given_filter"]


def given_filter(request: Any, field: str = "filter") -> engine.Filter | None:
    """Return a request's filter, None if it has none."""
    return filter_of(getattr(request, field)) if request.HasField(field) else None


def filter_of(message: pb.Filter) -> engine.Filter:
    """Return a filter."""
    least = None
    if message.HasField("min_should"):
        conditions = [_condition(c) for c in message.min_should.conditions]
        least = engine.MinShould(conditions, message.min_should.min_count)
    return engine.Filter(
        must=[_condition(c) for c in message.must] or None,
        should=[_condition(c) for c in message.should] or None,
        must_not=[_condition(c) for c in message.must_not] or None,
        min_should=least,
    )


def _condition(message: pb.Condition) -> Any:
    kind = message.WhichOneof("condition_one_of")
    if kind == "field":
        return _field(message.field)
    if kind == "filter":
        return filter_of(message.filter)
    if kind == "has_id":
        return engine.HasIdCondition({plain_id(i) for i in message.has_id.has_id})
    if kind == "has_vector":
        return engine.HasVectorCondition(message.has_vector.has_vector)
    if kind == "is_empty":
        return engine.IsEmptyCondition(message.is_empty.key)
    if kind == "is_null":
        return engine.IsNullCondition(message.is_null.key)
    raise unknown(f"Condition.{kind}")


def _field(message: pb.FieldCondition) -> engine.FieldCondition:
    only(message, "key", "match", "range", "values_count")
    return engine.FieldCondition(
        message.key,
        match=_match(message.match) if message.HasField("match") else None,
        range=engine.RangeFloat(**_bounds(message.range)) if message.HasField("range") else None,
        values_count=engine.ValuesCount(**_bounds(message.values_count))
        if message.HasField("values_count")
        else None,
    )


def _bounds(message: Any) -> dict[str, Any]:
    return {field.name: value for field, value in message.ListFields()}


def _match(message: pb.Match) -> Any:
    kind = message.WhichOneof("match_value")
    if kind in {"keyword", "integer", "boolean"}:
        return engine.MatchValue(getattr(message, kind))
    if kind == "integers":
        return engine.MatchAny(list(message.integers.integers))
    if kind == "keywords":
        return engine.MatchAny(list(message.keywords.strings))
    if kind == "except_integers":
        return engine.MatchExcept(list(message.except_integers.integers))
    if kind == "except_keywords":
        return engine.MatchExcept(list(message.except_keywords.strings))
    raise unknown(f"Match.{kind}")
