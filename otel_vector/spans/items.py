"""A stored span or log record as it is read back: the protobuf messages and its identity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData, ResourceLogs, ScopeLogs
from opentelemetry.proto.trace.v1.trace_pb2 import (
    ResourceSpans,
    ScopeSpans,
    Span,
    TracesData,
)

from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.spans.meanings import RunKind, Signal

__all__ = [
    "KINDS",
    "STATUSES",
    "Headers",
    "Item",
    "items_of",
    "logs_data",
    "run_kind",
    "traces_data",
]

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
_RUN_ATTRIBUTE = "otel_vector.run.kind"
_RUN_KINDS = frozenset(RunKind)


@dataclass
class Item:
    """One stored span or log record.

    The messages belong to the store's cache and are shared: callers read them only.

    Attributes:
        id: content id.
        signal: spans or logs.
        resource: ResourceSpans or ResourceLogs; read `resource.resource` and `schema_url`.
        scope: ScopeSpans or ScopeLogs; read `scope.scope` and `schema_url`.
        message: the Span or LogRecord.
        meanings: ids it points at; empty when they were not asked for.
    """

    id: SpanId
    signal: Signal
    resource: ResourceSpans | ResourceLogs
    scope: ScopeSpans | ScopeLogs
    message: Any
    meanings: tuple[MeaningId, ...] = field(default=())

    @cached_property
    def service(self) -> str:
        """Value of the resource attribute `service.name`; empty without one."""
        return next(
            (
                a.value.string_value
                for a in self.resource.resource.attributes
                if a.key == "service.name"
            ),
            "",
        )

    @cached_property
    def start_ns(self) -> int:
        """Start in nanoseconds; for logs their time, or when they were observed."""
        if self.signal is Signal.SPANS:
            return int(self.message.start_time_unix_nano)
        return int(self.message.time_unix_nano or self.message.observed_time_unix_nano)

    @property
    def end_ns(self) -> int:
        """End in nanoseconds; for logs the same as the start."""
        if self.signal is Signal.SPANS:
            return int(self.message.end_time_unix_nano)
        return self.start_ns

    @property
    def duration_ns(self) -> int:
        """End minus start, never negative."""
        return max(0, self.end_ns - self.start_ns)

    @property
    def trace_hex(self) -> str:
        """Trace id as 32 hex digits; empty for a log without one."""
        return str(self.message.trace_id.hex())

    @property
    def span_hex(self) -> str:
        """Span id as 16 hex digits; empty for a log without one."""
        return str(self.message.span_id.hex())

    @property
    def parent_hex(self) -> str:
        """Parent span id as 16 hex digits; empty for a root and for logs."""
        return str(self.message.parent_span_id.hex()) if self.signal is Signal.SPANS else ""

    @property
    def name(self) -> str:
        """Span name; for logs the event name."""
        return str(self.message.name if self.signal is Signal.SPANS else self.message.event_name)

    @property
    def kind(self) -> str:
        """One of `KINDS`; `unspecified` for logs and for numbers nobody knows."""
        number = self.message.kind if self.signal is Signal.SPANS else 0
        return KINDS[number] if 0 <= number < len(KINDS) else KINDS[0]

    @property
    def status(self) -> str:
        """One of `STATUSES`; `unset` for logs."""
        number = self.message.status.code if self.signal is Signal.SPANS else 0
        return STATUSES[number] if 0 <= number < len(STATUSES) else STATUSES[0]

    @cached_property
    def run(self) -> RunKind:
        """Run kind: the attribute, else tracestate member `ov`, else live."""
        return run_kind(self.message) if self.signal is Signal.SPANS else RunKind.LIVE

    def attributes(self) -> Iterator[KeyValue]:
        """Yield every attribute: own, resource, instrumentation scope, events, links."""
        yield from self.message.attributes
        yield from self.resource.resource.attributes
        yield from self.scope.scope.attributes
        if self.signal is Signal.SPANS:
            for part in (*self.message.events, *self.message.links):
                yield from part.attributes

    def value(self, key: str) -> AnyValue | None:
        """Return the first value under a key, in the order of `attributes`, or None."""
        return next((a.value for a in self.attributes() if a.key == key), None)


def run_kind(span: Span) -> RunKind:
    """Return a span's run kind: its attribute, else tracestate member `ov`, else live."""
    for attribute in span.attributes:
        if attribute.key == _RUN_ATTRIBUTE and attribute.value.string_value in _RUN_KINDS:
            return RunKind(attribute.value.string_value)
    if "ov=" in span.trace_state:
        for member in span.trace_state.split(","):
            key, _, value = member.strip().partition("=")
            if key == "ov" and value in _RUN_KINDS:
                return RunKind(value)
    return RunKind.LIVE


def items_of(signal: Signal, block: bytes, ids: Iterable[SpanId]) -> list[Item]:
    """Return the items of one serialised TracesData or LogsData, in order.

    Args:
        signal: which of the two it is.
        block: the bytes :func:`otel_vector.spans.batch.assemble` made.
        ids: the content ids, in the same order.
    """
    identity = iter(ids)
    if signal is Signal.SPANS:
        return [
            Item(next(identity), signal, resource, scope, span)
            for resource in TracesData.FromString(block).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
    return [
        Item(next(identity), signal, resource, scope, record)
        for resource in LogsData.FromString(block).resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


def traces_data(items: Iterable[Item]) -> TracesData:
    """Return span items as one OTLP message, protobuf-equal to what was stored."""
    data = TracesData()
    _fill(data.resource_spans, "scope_spans", "spans", items)
    return data


def logs_data(items: Iterable[Item]) -> LogsData:
    """Return log items as one OTLP message, protobuf-equal to what was stored."""
    data = LogsData()
    _fill(data.resource_logs, "scope_logs", "log_records", items)
    return data


def _fill(resources: Any, scopes_field: str, items_field: str, items: Iterable[Item]) -> None:
    """Add items under their headers; neighbours with equal headers share them."""
    headers = Headers(scopes_field, items_field)
    last_resource, last_scope = None, None
    for item in items:
        resource, scope = headers.of(item)
        if resource != last_resource:
            resources.add().MergeFromString(resource)
            last_resource, last_scope = resource, None
        scopes = getattr(resources[-1], scopes_field)
        if scope != last_scope:
            scopes.add().MergeFromString(scope)
            last_scope = scope
        getattr(scopes[-1], items_field).add().CopyFrom(item.message)


class Headers:
    """Serialised headers of items, made once per message they share.

    Messages are told apart by identity, so keep the items alive while using it.
    """

    def __init__(self, scopes_field: str, items_field: str) -> None:
        """Name the repeated fields that headers go without."""
        self._fields = (scopes_field, items_field)
        self._made: dict[int, bytes] = {}

    @classmethod
    def for_signal(cls, signal: Signal) -> Headers:
        """Return headers of spans or of log records."""
        spans = signal is Signal.SPANS
        return cls("scope_spans", "spans") if spans else cls("scope_logs", "log_records")

    def of(self, item: Item) -> tuple[bytes, bytes]:
        """Return an item's resource header and scope header, deterministically serialised."""
        return (
            self._header(item.resource, self._fields[0]),
            self._header(item.scope, self._fields[1]),
        )

    def _header(self, message: Any, without: str) -> bytes:
        made = self._made.get(id(message))
        if made is None:
            copy = type(message)()
            copy.CopyFrom(message)
            copy.ClearField(without)
            made = self._made[id(message)] = bytes(copy.SerializeToString(deterministic=True))
        return made
