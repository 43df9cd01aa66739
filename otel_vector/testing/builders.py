"""Readable spans and log records, and the batches that describing would have made of them.

Ids are small numbers and the clock starts at `T0_NS`, so that a failure can be read. A batch
made here keeps the promises the store relies on: content ids, one `operation` meaning per
span, equality keys, duration buckets, run kinds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from hashlib import blake2b
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from otel_vector.spans.batch import Batch, Group, Join
from otel_vector.spans.durations import bucket_of
from otel_vector.spans.ids import (
    MeaningId,
    SpanId,
    Tenant,
    content_hasher,
    field_key,
    meaning_id,
    trace_key,
)
from otel_vector.spans.items import Item
from otel_vector.spans.keys import KEYED, LINK, NARROWED, STATUS_ERROR, key_of
from otel_vector.spans.meanings import Facet, Meaning, Signal

__all__ = [
    "SECOND_NS",
    "T0_NS",
    "TENANT",
    "Event",
    "Link",
    "LogRow",
    "RawRow",
    "Row",
    "SpanRow",
    "Text",
    "any_value",
    "attributes",
    "batch_of",
    "digest_of",
    "item_of",
    "join_of",
    "meaning_of",
    "span_bytes",
    "trace_bytes",
]

TENANT: Final = Tenant("default")
SECOND_NS: Final = 1_000_000_000
T0_NS: Final = 1_700_000_000 * SECOND_NS
"""14 November 2023, 22:13:20 UTC."""

_LAST_NS: Final = 2**64 - 1
_SCALARS: Final[tuple[tuple[type, str], ...]] = (
    (str, "string_value"),
    (bool, "bool_value"),
    (int, "int_value"),
    (float, "double_value"),
    (bytes, "bytes_value"),
)

Text = tuple[Facet, str]
"""A facet and its text: what a row points at, beside its operation."""


@dataclass(frozen=True, slots=True)
class Event:
    """A span event: its name and attributes."""

    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """A span link: the trace and span it leads to, by number, and its attributes."""

    trace: int
    span: int
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRow:
    """A span as a test tells it; trace, span and parent are small numbers."""

    name: str = "GET /cart"
    service: str = "shop"
    trace: int = 1
    span: int = 1
    parent: int = 0
    start_ns: int = T0_NS
    duration_ns: int = 1_000_000
    kind: int = 2
    status: int = 0
    status_message: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    scope: str = "library"
    scope_attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()
    trace_state: str = ""
    means: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """A log record as a test tells it; trace and span 0 stand for none."""

    body: Any = "cart loaded"
    service: str = "shop"
    trace: int = 0
    span: int = 0
    start_ns: int = T0_NS
    event: str = ""
    severity: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    scope: str = "library"
    means: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class RawRow:
    """Any OTLP message under its own headers, with whatever fields it has."""

    resource: ResourceSpans | ResourceLogs
    scope: ScopeSpans | ScopeLogs
    message: Span | LogRecord
    means: tuple[Text, ...] = ()


Row = SpanRow | LogRow | RawRow


def trace_bytes(number: int) -> bytes:
    """Return the 16 bytes of a trace's small number; none for 0."""
    return number.to_bytes(16, "big") if number else b""


def span_bytes(number: int) -> bytes:
    """Return the 8 bytes of a span's small number; none for 0."""
    return number.to_bytes(8, "big") if number else b""


def any_value(value: Any) -> AnyValue:
    """Return a Python value as a typed OTLP value; None has no type."""
    if value is None:
        return AnyValue()
    if isinstance(value, Mapping):
        return AnyValue(kvlist_value=KeyValueList(values=attributes(value)))
    for kind, name in _SCALARS:
        if isinstance(value, kind):
            typed = AnyValue()
            setattr(typed, name, value)
            return typed
    return AnyValue(array_value=ArrayValue(values=[any_value(v) for v in value]))


def attributes(values: Mapping[str, Any]) -> list[KeyValue]:
    """Return a mapping as OTLP attributes, in its order."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


@singledispatch
def _raw(row: object) -> RawRow:
    raise TypeError(f"not a row: {row!r}")


@_raw.register
def _(row: RawRow) -> RawRow:
    return row


@_raw.register
def _(row: SpanRow) -> RawRow:
    resource = ResourceSpans()
    resource.resource.attributes.extend(attributes({"service.name": row.service, **row.resource}))
    scope = ScopeSpans()
    scope.scope.name = row.scope
    scope.scope.attributes.extend(attributes(row.scope_attributes))
    message = Span(
        trace_id=trace_bytes(row.trace),
        span_id=span_bytes(row.span),
        parent_span_id=span_bytes(row.parent),
        trace_state=row.trace_state,
        name=row.name,
        kind=Span.SpanKind.ValueType(row.kind),
        start_time_unix_nano=row.start_ns,
        end_time_unix_nano=min(max(0, row.start_ns + row.duration_ns), _LAST_NS),
        attributes=attributes(row.attributes),
    )
    if row.status or row.status_message:
        message.status.code = Status.StatusCode.ValueType(row.status)
        message.status.message = row.status_message
    for event in row.events:
        message.events.add(name=event.name, attributes=attributes(event.attributes))
    for link in row.links:
        message.links.add(
            trace_id=trace_bytes(link.trace),
            span_id=span_bytes(link.span),
            attributes=attributes(link.attributes),
        )
    return RawRow(resource, scope, message, row.means)


@_raw.register
def _(row: LogRow) -> RawRow:
    resource = ResourceLogs()
    resource.resource.attributes.extend(attributes({"service.name": row.service, **row.resource}))
    scope = ScopeLogs()
    scope.scope.name = row.scope
    message = LogRecord(
        trace_id=trace_bytes(row.trace),
        span_id=span_bytes(row.span),
        time_unix_nano=row.start_ns,
        event_name=row.event,
        body=any_value(row.body),
        attributes=attributes(row.attributes),
    )
    if row.severity:
        message.severity_number = row.severity  # type: ignore[assignment]
    return RawRow(resource, scope, message, row.means)


def meaning_of(text: Text, tenant: Tenant = TENANT) -> Meaning:
    """Return the meaning of one text of one facet that is not an operation."""
    facet, words = text
    return Meaning(meaning_id(tenant, facet, words), facet, words)


def item_of(row: Row, tenant: Tenant = TENANT) -> Item:
    """Return a row as the store is to give it back, with the meanings it points at."""
    return _with_meanings(row, tenant)[0]


def batch_of(rows: Sequence[Row], tenant: Tenant = TENANT, joins: Iterable[Join] = ()) -> Batch:
    """Return rows of one signal as a batch, in their order."""
    described = [_with_meanings(row, tenant) for row in rows]
    signal = described[0][0].signal if described else Signal.SPANS
    batch = Batch(signal, joins=list(joins))
    groups: dict[Group, int] = {}
    for item, texts in described:
        group = Group(_serialised(item.resource), _serialised(item.scope))
        batch.group.append(groups.setdefault(group, len(groups)))
        batch.texts.update((m.id, m) for m in texts)
        _append(batch, item)
    batch.groups.extend(groups)
    return batch


def digest_of(batch: Batch) -> bytes:
    """Return a delivery digest: a hash of the ids, in order."""
    return blake2b("".join(batch.ids).encode(), digest_size=16).digest()


def join_of(
    trace: int,
    span: int,
    texts: Sequence[Text],
    tenant: Tenant = TENANT,
    source: SpanId | None = None,
) -> tuple[Join, dict[MeaningId, Meaning]]:
    """Return what a log record adds to the span of these numbers, and the texts."""
    meanings = [meaning_of(text, tenant) for text in texts]
    ids = tuple(m.id for m in meanings)
    join = Join(trace_bytes(trace), span_bytes(span), ids, source=source)
    return join, {m.id: m for m in meanings}


def _with_meanings(row: Row, tenant: Tenant) -> tuple[Item, list[Meaning]]:
    raw = _raw(row)
    signal = Signal.SPANS if isinstance(raw.message, Span) else Signal.LOGS
    item = Item(_content_id(raw, tenant), signal, raw.resource, raw.scope, raw.message)
    texts = [meaning_of(text, tenant) for text in raw.means]
    if signal is Signal.SPANS:
        texts.insert(0, _operation_of(item, tenant))
    item.meanings = tuple(dict.fromkeys(m.id for m in texts))
    return item, texts


def _content_id(raw: RawRow, tenant: Tenant) -> SpanId:
    hasher = content_hasher(tenant, _serialised(raw.resource), _serialised(raw.scope))
    hasher.update(_serialised(raw.message))
    return SpanId(hasher.hexdigest())


def _serialised(message: Any) -> bytes:
    return bytes(message.SerializeToString(deterministic=True))


def _operation_of(item: Item, tenant: Tenant) -> Meaning:
    name = re.sub(r"\d+", "*", item.name)
    text = f"{item.service}: {name} ({item.kind})"
    number = int(getattr(item.message, "kind", 0))
    identity = f"{item.service}\x1f{name}\x1f{number}"
    return Meaning(
        id=meaning_id(tenant, Facet.OPERATION, identity),
        facet=Facet.OPERATION,
        text=text,
        service=item.service,
        name=name,
        kind=number,
        name_masked=name != item.name,
    )


def _append(batch: Batch, item: Item) -> None:
    batch.bodies.append(_serialised(item.message))
    batch.ids.append(item.id)
    batch.trace_ids.append(bytes(item.message.trace_id))
    batch.span_ids.append(bytes(item.message.span_id))
    batch.start_ns.append(item.start_ns)
    batch.end_ns.append(item.end_ns)
    batch.traces.append(trace_key(item.message.trace_id) if item.message.trace_id else 0)
    batch.meanings.append(item.meanings)
    batch.keys.append(tuple(dict.fromkeys(_keys(item))))
    batch.buckets.append(bucket_of(item.duration_ns))
    batch.runs.append(item.run)


def _keys(item: Item) -> Iterator[int]:
    if item.status == "error":
        yield STATUS_ERROR
    for attribute in item.attributes():
        for fields in (KEYED, NARROWED):
            if attribute.key in fields:
                yield from _value_keys(fields[attribute.key], attribute.value)
    if isinstance(item.message, Span):
        for link in item.message.links:
            yield field_key(LINK, link.trace_id.hex())


def _value_keys(name: str, value: AnyValue) -> Iterator[int]:
    yield key_of(name, value)
    for element in value.array_value.values:
        yield from _value_keys(name, element)
