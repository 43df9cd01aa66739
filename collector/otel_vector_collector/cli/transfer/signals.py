"""What a unit holds, parsed: spans, log records or neither, and how it is cut into requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson
from google.protobuf.message import Message

from otel_vector.decode.messages import (
    logs_from,
    logs_from_json,
    traces_from,
    traces_from_json,
)
from otel_vector.errors import MalformedError
from otel_vector.spans.meanings import Signal
from otel_vector_collector.cli.transfer.reading import JSON, Unit

__all__ = ["messages_of", "pieces"]

_FIELDS: Final[Mapping[Signal, tuple[str, str, str]]] = MappingProxyType(
    {
        Signal.SPANS: ("resource_spans", "scope_spans", "spans"),
        Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
    }
)
_JSON_READERS: Final = MappingProxyType(
    {
        "resourceSpans": (Signal.SPANS, traces_from_json),
        "resourceLogs": (Signal.LOGS, logs_from_json),
    }
)
_SPAN_ID_BYTES: Final = 8


def messages_of(unit: Unit) -> list[tuple[Signal, Any]]:
    """Return what a unit holds: TracesData, LogsData, or from a JSON line both.

    Raises:
        MalformedError: it cannot be parsed, or holds something else.
    """
    if unit.content_type == JSON:
        return _from_json(unit.body)
    return [_from_protobuf(unit.body, unit.content_type)]


def pieces(signal: Signal, data: Any, max_bytes: int) -> Iterator[bytes]:
    """Yield a message as serialised messages of bounded size.

    A single span or log record that is larger than the bound is a piece of its own.
    """
    body: bytes = data.SerializeToString()
    if len(body) <= max_bytes:
        yield body
        return
    resources, scopes, items = _FIELDS[signal]
    for resource in getattr(data, resources):
        for scope in getattr(resource, scopes):
            for run in _runs(getattr(scope, items), max_bytes):
                part = type(data)()
                copied = getattr(part, resources).add()
                _copy_without(copied, resource, scopes)
                inner = getattr(copied, scopes).add()
                _copy_without(inner, scope, items)
                getattr(inner, items).extend(run)
                yield part.SerializeToString()


def _items(signal: Signal, data: Any) -> Iterator[Any]:
    resources, scopes, items = _FIELDS[signal]
    for resource in getattr(data, resources):
        for scope in getattr(resource, scopes):
            yield from getattr(scope, items)


def _runs(items: Any, max_bytes: int) -> Iterator[list[Message]]:
    run, size = list[Message](), 0
    for item in items:
        length = item.ByteSize()
        if run and size + length > max_bytes:
            yield run
            run, size = [], 0
        run.append(item)
        size += length
    if run:
        yield run


def _copy_without(target: Message, source: Message, field: str) -> None:
    """Copy a header: everything but its items, unknown fields included."""
    target.CopyFrom(source)
    target.ClearField(field)


def _from_json(body: bytes) -> list[tuple[Signal, Any]]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise MalformedError("not a JSON object")
    held = [(signal, read(found)) for key, (signal, read) in _JSON_READERS.items() if key in found]
    if not held and "resourceMetrics" in found:
        raise MalformedError("metrics, which are not stored here")
    if not held:
        raise MalformedError("neither resourceSpans nor resourceLogs")
    return held


def _from_protobuf(body: bytes, content_type: str) -> tuple[Signal, Any]:
    """Tell spans from log records, whose messages agree down to the first item's fields.

    A span's field 1 is its trace id (bytes), a log record's is its time (fixed64): read as the
    other one, either leaves its field empty.
    """
    try:
        logs = logs_from(body, content_type)
    except MalformedError:
        logs = None
    if logs is not None and any(map(_is_log, _items(Signal.LOGS, logs))):
        return Signal.LOGS, logs
    traces = traces_from(body, content_type)
    spans = list(_items(Signal.SPANS, traces))
    if spans and not any(map(_is_span, spans)):
        raise MalformedError("neither spans nor log records")
    return Signal.SPANS, traces


def _is_span(span: Any) -> bool:
    has_time_or_id = bool(span.start_time_unix_nano) or len(span.span_id) == _SPAN_ID_BYTES
    return bool(span.trace_id) and has_time_or_id


def _is_log(record: Any) -> bool:
    return bool(record.time_unix_nano or record.observed_time_unix_nano)
