"""What a unit holds: spans, log records or neither, and how it is cut into bounded requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.errors import MalformedError
from otel_vector.spans.meanings import Signal
from otel_vector_collector.cli.transfer.reading import JSON, Unit

__all__ = ["SCOPES", "count_of", "pieces", "signals_of"]

SCOPES: Final = {
    Signal.SPANS: ("resource_spans", "scope_spans", "spans"),
    Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
}
_KEYS: Final = {"resourceSpans": Signal.SPANS, "resourceLogs": Signal.LOGS}
_METRICS: Final = "resourceMetrics"


def signals_of(unit: Unit) -> tuple[Signal, ...]:
    """Return which signals a unit carries; a JSON line may carry both.

    Raises:
        MalformedError: it cannot be parsed, or carries something else.
    """
    if unit.content_type == JSON:
        return _json_signals(unit.body)
    return (_protobuf_signal(unit.body),)


def count_of(signal: Signal, data: Any) -> int:
    """Return how many spans or log records a message holds."""
    resources, scopes, items = SCOPES[signal]
    return sum(
        len(getattr(scope, items))
        for resource in getattr(data, resources)
        for scope in getattr(resource, scopes)
    )


def pieces(signal: Signal, data: Any, max_bytes: int) -> Iterator[bytes]:
    """Yield a message as serialised messages of bounded size.

    A single span or log record that is larger than the bound is a piece of its own.
    """
    body: bytes = data.SerializeToString()
    if len(body) <= max_bytes:
        yield body
        return
    yield from _cut(signal, data, max_bytes)


def _cut(signal: Signal, data: Any, max_bytes: int) -> Iterator[bytes]:
    resources, scopes, items = SCOPES[signal]
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
    header = type(source)()
    header.CopyFrom(source)
    header.ClearField(field)
    target.CopyFrom(header)


def _json_signals(body: bytes) -> tuple[Signal, ...]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise MalformedError("not a JSON object")
    signals = tuple(signal for key, signal in _KEYS.items() if key in found)
    if not signals and _METRICS in found:
        raise MalformedError("metrics, which are not stored")
    if not signals:
        raise MalformedError("neither resourceSpans nor resourceLogs")
    return signals


def _protobuf_signal(body: bytes) -> Signal:
    """Tell spans from log records, whose messages agree down to the first item's fields.

    A span's field 1 is its trace id (bytes), a log record's is its time (fixed64): read as the
    other one, either leaves its field empty.
    """
    if any(map(_is_log, _items(LogsData, Signal.LOGS, body) or ())):
        return Signal.LOGS
    spans = _items(TracesData, Signal.SPANS, body)
    if spans is None:
        raise MalformedError("not OTLP protobuf")
    if spans and not any(map(_is_span, spans)):
        raise MalformedError("neither spans nor log records")
    return Signal.SPANS


def _items(message: Any, signal: Signal, body: bytes) -> list[Any] | None:
    resources, scopes, items = SCOPES[signal]
    try:
        data = message.FromString(body)
    except DecodeError:
        return None
    return [
        item
        for resource in getattr(data, resources)
        for scope in getattr(resource, scopes)
        for item in getattr(scope, items)
    ]


def _is_span(span: Any) -> bool:
    return bool(span.trace_id) and bool(span.start_time_unix_nano or len(span.span_id) == 8)  # noqa: PLR2004


def _is_log(record: Any) -> bool:
    return bool(record.time_unix_nano or record.observed_time_unix_nano)
