"""What `meanings` answers with; written by `generate.py` from the API's schema."""

from __future__ import annotations

from typing import NotRequired, TypedDict, final

from otel_vector.client.shapes.common import LogRecord, Meaning, Pointing, PointingLogs, Span, Why

__all__ = ["CommonMeaning", "MeaningAnswer", "MeaningsAnswer", "MeasuredPointing"]


@final
class CommonMeaning(TypedDict):
    """One meaning of a list in order; it has no score.

    Attributes:
        score: higher is better; null without words.
        logs: when logs were asked for.
    """

    score: float | None
    why: Why
    meaning: Meaning
    spans: MeasuredPointing
    examples: list[Span | LogRecord]
    logs: NotRequired[PointingLogs | None]


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


@final
class MeaningsAnswer(TypedDict):
    """Meanings of one facet in order.

    Attributes:
        found: meanings of the facet that matching spans point at.
        compared: how many of them were put in order, the commonest.
        truncated: one that was not compared might belong among these.
    """

    groups: list[CommonMeaning]
    found: int
    compared: int
    truncated: bool
    took_ms: float


@final
class MeasuredPointing(TypedDict):
    """What is known of the spans that point at a meaning; times as numbers, too.

    Attributes:
        p50_ns: nanoseconds, a decimal string, within 5 %.
        p50_ms: milliseconds, within 5 %.
        last_seen_unix_ms: milliseconds since the epoch.
    """

    count: int
    errors: int
    p50_ns: str
    p95_ns: str
    p99_ns: str
    first_seen_unix_nano: str
    last_seen_unix_nano: str
    services: list[str]
    p50_ms: float
    p95_ms: float
    p99_ms: float
    last_seen_unix_ms: int
