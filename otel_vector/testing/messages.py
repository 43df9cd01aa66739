"""Messages in which every field of OTLP is set, and some that OTLP does not know.

What a store keeps of these it keeps of any span or log record.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from otel_vector.testing.builders import (
    T0_NS,
    RawRow,
    any_value,
    attributes,
    span_bytes,
    trace_bytes,
)

__all__ = ["ODD_VALUES", "full_log_row", "full_span_row", "with_unknown_fields"]

ODD_VALUES: dict[str, Any] = {
    "text": "café \x00 💳",
    "empty": "",
    "nothing": None,
    "yes": True,
    "no": False,
    "zero": 0,
    "least": -(2**63),
    "most": 2**63 - 1,
    "half": 0.5,
    "minus zero": -0.0,
    "infinite": float("inf"),
    "bytes": b"\x00\xff\x80",
    "list": ["a", 1, None, [True, {}]],
    "map": {"a": {"b": [b"c", ""]}, "": 1},
}
"""A value of every type, with its edges."""

_UNKNOWN_FIELDS = (
    b"\xf8\x3e\x2a"  # field 1007, varint 42
    b"\xc2\x3f\x05later"  # field 1016, length-delimited
)


def with_unknown_fields(message: Message) -> None:
    """Put fields of a later version of the protocol into a message."""
    message.MergeFromString(_UNKNOWN_FIELDS)


def full_span_row() -> RawRow:
    """Return a span with every field set, unknown fields on every level."""
    resource = ResourceSpans(schema_url="https://schema.example/resource/1")
    _fill_resource(resource.resource)
    scope = ScopeSpans(schema_url="https://schema.example/scope/1")
    _fill_scope(scope.scope)
    span = Span(
        trace_id=trace_bytes(7),
        span_id=span_bytes(8),
        parent_span_id=span_bytes(9),
        trace_state="vendor=1,ov=live",
        flags=0x301,
        name="GET /cart/{id}",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=T0_NS + 1,
        end_time_unix_nano=T0_NS + 1_234_567,
        attributes=attributes(ODD_VALUES),
        dropped_attributes_count=3,
        dropped_events_count=4,
        dropped_links_count=5,
    )
    span.status.code, span.status.message = 2, "card declined"  # type: ignore[assignment]
    event = span.events.add(time_unix_nano=T0_NS + 2, name="exception", dropped_attributes_count=1)
    event.attributes.extend(attributes({"exception.message": "no funds", **ODD_VALUES}))
    link = span.links.add(trace_id=trace_bytes(70), span_id=span_bytes(80), trace_state="a=b")
    link.attributes.extend(attributes(ODD_VALUES))
    link.dropped_attributes_count, link.flags = 2, 0x101
    for part in (resource, resource.resource, scope, scope.scope, span, event, link, span.status):
        with_unknown_fields(part)
    return RawRow(resource, scope, span)


def full_log_row() -> RawRow:
    """Return a log record with every field set, unknown fields on every level."""
    resource = ResourceLogs(schema_url="https://schema.example/resource/1")
    _fill_resource(resource.resource)
    scope = ScopeLogs(schema_url="https://schema.example/scope/1")
    _fill_scope(scope.scope)
    record = LogRecord(
        trace_id=trace_bytes(7),
        span_id=span_bytes(8),
        flags=1,
        time_unix_nano=T0_NS + 5,
        observed_time_unix_nano=T0_NS + 6,
        severity_number=17,  # type: ignore[arg-type]
        severity_text="ERROR",
        event_name="gen_ai.user.message",
        body=any_value(ODD_VALUES),
        attributes=attributes(ODD_VALUES),
        dropped_attributes_count=3,
    )
    for part in (resource, resource.resource, scope, scope.scope, record, record.body):
        with_unknown_fields(part)
    return RawRow(resource, scope, record)


def _fill_resource(resource: Any) -> None:
    resource.attributes.extend(attributes({"service.name": "checkout", **ODD_VALUES}))
    resource.dropped_attributes_count = 6
    entity = resource.entity_refs.add(schema_url="https://schema.example/entity", type="service")
    entity.id_keys.append("service.name")
    entity.description_keys.append("text")


def _fill_scope(scope: Any) -> None:
    scope.name, scope.version = "library", "1.2.3"
    scope.attributes.extend(attributes(ODD_VALUES))
    scope.dropped_attributes_count = 7
