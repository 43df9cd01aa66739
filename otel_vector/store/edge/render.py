"""Conditions in the words of the engine; rendered once a question."""

from __future__ import annotations

from typing import Any

import qdrant_edge as engine

from otel_vector.store.reading.conditions import AnyOf, Condition, Every, Range, Some, Without

__all__ = ["filter_of", "render"]


def render(condition: Condition | None) -> Any | None:
    """Return an engine condition; None for no restriction."""
    match condition:
        case AnyOf(field, values):
            return engine.FieldCondition(field, match=engine.MatchAny(list(values)))
        case Range(field, low, below):
            return engine.FieldCondition(field, range=engine.RangeFloat(gte=low, lt=below))
        case Every(items):
            return engine.Filter(must=[render(item) for item in items])
        case Some(items):
            return engine.Filter(should=[render(item) for item in items])
        case Without(item):
            return engine.Filter(must_not=[render(item)])
    return None


def filter_of(condition: Condition | None) -> engine.Filter | None:
    """Return an engine filter; None for no restriction."""
    rendered = render(condition)
    return None if rendered is None else engine.Filter(must=[rendered])
