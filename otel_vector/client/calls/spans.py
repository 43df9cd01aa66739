"""Traces and spans: read, followed, exported, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from otel_vector.client.call import Call, encoded, get, given
from otel_vector.client.events import StoredEvent
from otel_vector.client.options import DeletionOptions, ExportOptions, Within
from otel_vector.client.paths import escaped
from otel_vector.client.readers import (
    EVENTS,
    LINES,
    PROTOBUF,
    EventReader,
    PartReader,
    read_bytes,
    read_json,
)
from otel_vector.client.shapes import (
    DeletionAnswer,
    DetailAnswer,
    LogDetailAnswer,
    SpansAnswer,
    TraceAnswer,
)

__all__ = [
    "delete",
    "events",
    "export",
    "span",
    "span_otlp",
    "spans",
    "trace",
    "trace_otlp",
]


def trace(trace_id: str) -> Call[TraceAnswer]:
    """Read one trace."""
    return get(f"/v1/traces/{escaped(trace_id)}")


def trace_otlp(trace_id: str) -> Call[bytes]:
    """Read one trace as a serialised OTLP TracesData."""
    path = f"/v1/traces/{escaped(trace_id)}"
    return Call("GET", path, read_bytes, accept=PROTOBUF)


def span(point_id: str) -> Call[DetailAnswer | LogDetailAnswer]:
    """Read one span or log record."""
    return get(f"/v1/spans/{escaped(point_id)}")


def span_otlp(point_id: str) -> Call[bytes]:
    """Read one span or log record as a serialised OTLP TracesData or LogsData."""
    return Call("GET", f"/v1/spans/{escaped(point_id)}", read_bytes, accept=PROTOBUF)


def spans(trace_id: str, span_id: str) -> Call[SpansAnswer]:
    """Read every span with these ids."""
    return get(f"/v1/traces/{escaped(trace_id)}/spans/{escaped(span_id)}")


def events(**within: Unpack[Within]) -> Call[StoredEvent]:
    """Follow what is stored."""
    return Call(
        "GET", "/v1/events", EventReader, params=given(within), accept=EVENTS, patient=True
    )


def export(
    body: Mapping[str, Any], *, protobuf: bool = False, **more: Unpack[ExportOptions]
) -> Call[bytes]:
    """Read out everything that matches."""
    return Call(
        "POST",
        "/v1/export",
        PartReader,
        body=encoded(given(body, more)),
        accept=PROTOBUF if protobuf else LINES,
        patient=True,
    )


def delete(body: Mapping[str, Any], **more: Unpack[DeletionOptions]) -> Call[DeletionAnswer]:
    """Delete for good, or count; only counting is repeated."""
    whole = given(body, more)
    return Call(
        "DELETE",
        "/v1/spans",
        read_json,
        body=encoded(whole),
        repeatable=whole.get("dry_run") is True,
        patient=True,
    )
