"""What `meanings` answers with; written by `generate.py` from the API's schema."""

from __future__ import annotations

from typing import NotRequired, TypedDict, final

from otel_vector.client.shapes.common import LogRecord, Pointing, PointingLogs, Span

__all__ = ["MeaningAnswer"]


@final
class MeaningAnswer(TypedDict):
    """One meaning, with the live items that point at it.

    Attributes:
        id: 16 hex digits.
        pending: it has no vector yet.
        kind: operations only.
        name: operations only: span name, ids masked.
        service: operations only: exact service name.
    """

    id: str
    facet: str
    text: str
    pending: bool
    spans: Pointing
    examples: list[Span | LogRecord]
    kind: NotRequired[str | None]
    logs: NotRequired[PointingLogs | None]
    name: NotRequired[str | None]
    service: NotRequired[str | None]
