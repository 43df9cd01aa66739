"""What `search` answers with; written by `generate.py` from the API's schema."""

from __future__ import annotations

from typing import NotRequired, TypedDict, final

from otel_vector.client.shapes.common import (
    LogRecord,
    Meaning,
    Pointing,
    PointingLogs,
    RecordHit,
    Span,
    Why,
)

__all__ = ["Group", "GroupedAnswer"]


@final
class Group(TypedDict):
    """One meaning with what points at it.

    Attributes:
        score: higher is better; null without words.
        logs: when logs were asked for.
    """

    score: float | None
    why: Why
    meaning: Meaning
    spans: Pointing
    examples: list[Span | LogRecord]
    logs: NotRequired[PointingLogs | None]


@final
class GroupedAnswer(TypedDict):
    """An answer by meaning.

    Attributes:
        search_id: 16 hex digits.
        searched: the kinds of things it covers.
        next: cursor of the next page; null at the end.
        pending: meanings without a vector, found by words only.
        records: when records were asked for.
    """

    search_id: str
    searched: list[str]
    next: str | None
    pending: int
    took_ms: float
    groups: list[Group]
    records: NotRequired[list[RecordHit] | None]
