"""What several parts of the API answer with; written by `generate.py` from the API's schema."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict, final

__all__ = [
    "ListedAnswer",
    "LogRecord",
    "Meaning",
    "Pointing",
    "PointingLogs",
    "RecordHit",
    "ScoredLogRecord",
    "ScoredSpan",
    "Span",
    "Why",
]


@final
class ListedAnswer(TypedDict):
    """An answer span by span; with `over` logs, log records stand among them.

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
    spans: list[ScoredSpan | ScoredLogRecord]
    records: NotRequired[list[RecordHit] | None]


@final
class LogRecord(TypedDict):
    """One stored log record.

    Attributes:
        signal: tells it from a span, which has none.
        name: event name.
        time_unix_nano: nanoseconds, a decimal string.
        body: text form, cut at 1,000 characters.
    """

    signal: Literal["logs"]
    id: str
    trace_id: str
    span_id: str
    service: str
    name: str
    severity: str
    severity_number: int
    time_unix_nano: str
    body: str


@final
class Meaning(TypedDict):
    """One distinct text of one facet.

    Attributes:
        id: 16 hex digits.
        kind: operations only.
        name: operations only: span name, ids masked.
        service: operations only: exact service name.
    """

    id: str
    facet: str
    text: str
    kind: NotRequired[str | None]
    name: NotRequired[str | None]
    service: NotRequired[str | None]


@final
class Pointing(TypedDict):
    """What is known of the spans that point at a meaning.

    Attributes:
        p50_ns: nanoseconds, a decimal string, within 5 %.
    """

    count: int
    errors: int
    p50_ns: str
    p95_ns: str
    p99_ns: str
    first_seen_unix_nano: str
    last_seen_unix_nano: str
    services: list[str]


@final
class PointingLogs(TypedDict):
    """What is known of the log records that point at a meaning."""

    count: int
    first_seen_unix_nano: str
    last_seen_unix_nano: str


@final
class RecordHit(TypedDict):
    """A record that answers, by its best text.

    Attributes:
        score: higher is better; null without words.
        meaning: the text it was found by.
    """

    collection: str
    key: str
    version: int
    score: float | None
    why: Why | None
    meaning: Meaning | None
    text: str


@final
class ScoredLogRecord(TypedDict):
    """A log record in an ungrouped answer.

    Attributes:
        signal: tells it from a span, which has none.
        name: event name.
        time_unix_nano: nanoseconds, a decimal string.
        body: text form, cut at 1,000 characters.
    """

    signal: Literal["logs"]
    id: str
    trace_id: str
    span_id: str
    service: str
    name: str
    severity: str
    severity_number: int
    time_unix_nano: str
    body: str
    score: float | None
    why: Why | None


@final
class ScoredSpan(TypedDict):
    """A span in an ungrouped answer.

    Attributes:
        id: content id, 32 hex digits.
        trace_id: 32 hex digits.
        span_id: 16 hex digits.
        parent_span_id: 16 hex digits; empty for a root.
        kind: unspecified, internal, server, client, producer or consumer.
        status: unset, ok or error.
        start_time_unix_nano: nanoseconds, a decimal string.
        duration_nano: nanoseconds, a decimal string.
        run_kind: live, replay, test, eval, shadow or self.
    """

    id: str
    trace_id: str
    span_id: str
    parent_span_id: str
    service: str
    name: str
    kind: str
    status: str
    start_time_unix_nano: str
    duration_nano: str
    run_kind: str
    score: float | None
    why: Why | None


@final
class Span(TypedDict):
    """One stored span.

    Attributes:
        id: content id, 32 hex digits.
        trace_id: 32 hex digits.
        span_id: 16 hex digits.
        parent_span_id: 16 hex digits; empty for a root.
        kind: unspecified, internal, server, client, producer or consumer.
        status: unset, ok or error.
        start_time_unix_nano: nanoseconds, a decimal string.
        duration_nano: nanoseconds, a decimal string.
        run_kind: live, replay, test, eval, shadow or self.
    """

    id: str
    trace_id: str
    span_id: str
    parent_span_id: str
    service: str
    name: str
    kind: str
    status: str
    start_time_unix_nano: str
    duration_nano: str
    run_kind: str


@final
class Why(TypedDict):
    """The reasons of a score.

    Attributes:
        dense_rank: place in the ranking by meaning, from 0.
        bm25_rank: place in the ranking by words, from 0.
        cosine: nearness by meaning.
        exact: whether the question occurs in the text as it stands.
        like: similar: the meaning that this one is like.
    """

    facet: str
    dense_rank: int | None
    bm25_rank: int | None
    cosine: float | None
    exact: bool
    like: NotRequired[str | None]
