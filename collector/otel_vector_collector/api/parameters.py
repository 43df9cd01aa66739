"""Query parameters that several routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from otel_vector.services.query import parse_filter
from otel_vector.services.search import Restriction
from otel_vector.spans.meanings import RunKind

__all__ = ["Cursor", "Limit", "restriction"]

Limit = Annotated[int, Query(ge=1, le=1000, description="entries at most")]
Cursor = Annotated[str, Query(description="`next` of the previous page")]
_Filter = Annotated[
    str,
    Query(
        description="conditions in the query language",
        examples=["service:checkout status:error"],
    ),
]
_Since = Annotated[
    str,
    Query(
        description="earliest start: RFC 3339, nanoseconds since the epoch, or how long ago",
        examples=["-1h"],
    ),
]
_Until = Annotated[str, Query(description="latest start, exclusive; written like since")]
_Runs = Annotated[
    list[str], Query(description="run kinds that count; `all` for every kind", examples=[["live"]])
]


async def restriction(
    filter: _Filter = "",  # noqa: A002 -- the parameter's public name
    since: _Since = "",
    until: _Until = "",
    runs: _Runs = [RunKind.LIVE],  # noqa: B006 -- never changed
) -> Restriction:
    """Return which items count."""
    return Restriction(parse_filter(filter), since, until, tuple(runs))
