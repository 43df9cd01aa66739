"""What `traces` answers with; written by `generate.py` from the API's schema."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, final

from otel_vector.client.shapes.common import LogRecord, Meaning

__all__ = ["DetailAnswer", "LogDetailAnswer", "SpansAnswer", "TraceAnswer", "TraceSpan"]


@final
class DetailAnswer(TypedDict):
    """A span with everything it has; attribute values are typed as in OTLP JSON.

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
    end_time_unix_nano: str
    trace_state: str
    status_message: str
    flags: int
    attributes: list[dict[str, Any]]
    dropped_attributes_count: int
    events: list[dict[str, Any]]
    dropped_events_count: int
    links: list[dict[str, Any]]
    dropped_links_count: int
    resource: dict[str, Any]
    scope: dict[str, Any]
    meanings: list[Meaning]


@final
class LogDetailAnswer(TypedDict):
    """A log record with everything it has; values are typed as in OTLP JSON.

    Attributes:
        signal: tells it from a span, which has none.
        name: event name.
        time_unix_nano: nanoseconds, a decimal string.
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
    observed_time_unix_nano: str
    body: dict[str, Any]
    attributes: list[dict[str, Any]]
    dropped_attributes_count: int
    flags: int
    resource: dict[str, Any]
    scope: dict[str, Any]
    meanings: list[Meaning]


@final
class SpansAnswer(TypedDict):
    """Every stored span of one trace id and span id."""

    spans: list[DetailAnswer]


@final
class TraceAnswer(TypedDict):
    """A trace: parents before their children, children by start."""

    trace_id: str
    start_time_unix_nano: str
    duration_nano: str
    services: list[str]
    span_count: int
    errors: int
    spans: list[TraceSpan]
    logs: list[LogRecord]


@final
class TraceSpan(TypedDict):
    """A span in its place in its trace.

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
        depth: 0 for a root.
        offset_nano: start since the start of the trace.
        orphan: its parent is not stored.
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
    depth: int
    offset_nano: str
    orphan: bool
