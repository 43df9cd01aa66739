"""One span or log record with everything it has, as plain JSON values.

Attribute values are typed as in OTLP JSON (`{"intValue": "3"}`), so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_vector.services.shapes import Json, item_json, meaning_json
from otel_vector.services.traces import Detail
from otel_vector.spans.otlp_json import json_object

__all__ = ["detail_json"]


def detail_json(detail: Detail) -> Json:
    """Return everything an item has, with the texts of its meanings."""
    item = detail.item
    message = item.message
    own = _span_json(message) if isinstance(message, Span) else _log_json(message)
    return {
        **item_json(item),
        **own,
        "attributes": _attributes(message.attributes),
        "dropped_attributes_count": message.dropped_attributes_count,
        "flags": message.flags,
        "resource": _resource_json(item.resource.resource, item.resource.schema_url),
        "scope": _scope_json(item.scope.scope, item.scope.schema_url),
        "meanings": [meaning_json(meaning) for meaning in detail.meanings],
    }


def _span_json(span: Span) -> Json:
    return {
        "end_time_unix_nano": str(span.end_time_unix_nano),
        "trace_state": span.trace_state,
        "status_message": span.status.message,
        "events": [
            {
                "time_unix_nano": str(event.time_unix_nano),
                "name": event.name,
                "attributes": _attributes(event.attributes),
                "dropped_attributes_count": event.dropped_attributes_count,
            }
            for event in span.events
        ],
        "dropped_events_count": span.dropped_events_count,
        "links": [
            {
                "trace_id": link.trace_id.hex(),
                "span_id": link.span_id.hex(),
                "trace_state": link.trace_state,
                "flags": link.flags,
                "attributes": _attributes(link.attributes),
                "dropped_attributes_count": link.dropped_attributes_count,
            }
            for link in span.links
        ],
        "dropped_links_count": span.dropped_links_count,
    }


def _log_json(record: LogRecord) -> Json:
    return {
        "observed_time_unix_nano": str(record.observed_time_unix_nano),
        "body": json_object(record.body),
    }


def _resource_json(resource: Resource, schema_url: str) -> Json:
    return {
        "attributes": _attributes(resource.attributes),
        "dropped_attributes_count": resource.dropped_attributes_count,
        "schema_url": schema_url,
    }


def _scope_json(scope: InstrumentationScope, schema_url: str) -> Json:
    return {
        "name": scope.name,
        "version": scope.version,
        "attributes": _attributes(scope.attributes),
        "dropped_attributes_count": scope.dropped_attributes_count,
        "schema_url": schema_url,
    }


def _attributes(attributes: Iterable[KeyValue]) -> list[Json]:
    return [{"key": a.key, "value": json_object(a.value)} for a in attributes]
