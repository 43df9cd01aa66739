"""What there is: services, operations, attributes, meanings."""

from __future__ import annotations

from functools import partial
from typing import Unpack

from otel_vector.client.call import Call, Paged, get, given
from otel_vector.client.options import MeaningsOptions, PageOptions, Signal, Within
from otel_vector.client.paths import escaped
from otel_vector.client.shapes import (
    AttributeKeysAnswer,
    AttributeValuesAnswer,
    ListedAnswer,
    MeaningAnswer,
    MeaningsAnswer,
    OperationsAnswer,
    ScoredLogRecord,
    ScoredSpan,
    ServicesAnswer,
)

__all__ = [
    "attribute_values",
    "attributes",
    "meaning",
    "meaning_spans",
    "meanings",
    "operations",
    "services",
]


def services(**within: Unpack[Within]) -> Call[ServicesAnswer]:
    """List the services."""
    return get("/v1/services", within)


def operations(service: str | None = None, **within: Unpack[Within]) -> Call[OperationsAnswer]:
    """List the operations."""
    return get("/v1/operations", {"service": service, **within})


def attributes(
    signal: Signal | None = None, **within: Unpack[Within]
) -> Call[AttributeKeysAnswer]:
    """List the attribute keys."""
    return get("/v1/attributes", {"signal": signal, **within})


def attribute_values(
    key: str, signal: Signal | None = None, limit: int | None = None, **within: Unpack[Within]
) -> Call[AttributeValuesAnswer]:
    """List the values of an attribute."""
    path = f"/v1/attributes/{escaped(key)}/values"
    return get(path, {"signal": signal, "limit": limit, **within})


def meanings(**question: Unpack[MeaningsOptions]) -> Call[MeaningsAnswer]:
    """List the commonest meanings."""
    return get("/v1/meanings", question)


def meaning(meaning_id: str) -> Call[MeaningAnswer]:
    """Read one meaning."""
    return get(f"/v1/meanings/{escaped(meaning_id)}")


def meaning_spans(
    meaning_id: str, **page: Unpack[PageOptions]
) -> Paged[ListedAnswer, ScoredSpan | ScoredLogRecord]:
    """List what points at a meaning."""
    path = f"/v1/meanings/{escaped(meaning_id)}/spans"
    return Paged(given(page), partial(get, path), "spans")
