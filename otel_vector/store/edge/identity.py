"""Content ids of the items of a block, computed again from its bytes."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.spans.ids import SpanId, Tenant, content_hasher
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Signal

__all__ = ["id_of_item", "ids_of_block"]

_SCOPES = {Signal.SPANS: "scope_spans", Signal.LOGS: "scope_logs"}
_ITEMS = {Signal.SPANS: "spans", Signal.LOGS: "log_records"}


def ids_of_block(tenant: str, signal: Signal, message: bytes) -> list[SpanId]:
    """Return the content ids of a serialised TracesData or LogsData, in order."""
    spans = signal is Signal.SPANS
    data: Any = TracesData.FromString(message) if spans else LogsData.FromString(message)
    ids: list[SpanId] = []
    for resource in data.resource_spans if spans else data.resource_logs:
        header = _header(resource, _SCOPES[signal])
        for scope in getattr(resource, _SCOPES[signal]):
            base = content_hasher(Tenant(tenant), header, _header(scope, _ITEMS[signal]))
            for item in getattr(scope, _ITEMS[signal]):
                hasher = base.copy()
                hasher.update(item.SerializeToString(deterministic=True))
                ids.append(SpanId(hasher.hexdigest()))
    return ids


def id_of_item(tenant: str, item: Item) -> SpanId:
    """Return the content id of a parsed item."""
    resource = _header(item.resource, _SCOPES[item.signal])
    scope = _header(item.scope, _ITEMS[item.signal])
    hasher = content_hasher(Tenant(tenant), resource, scope)
    hasher.update(item.message.SerializeToString(deterministic=True))
    return SpanId(hasher.hexdigest())


def _header(message: Any, without: str) -> bytes:
    """Serialise a message without one of its repeated fields."""
    copy = type(message)()
    copy.CopyFrom(message)
    copy.ClearField(without)
    return bytes(copy.SerializeToString(deterministic=True))
