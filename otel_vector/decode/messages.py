"""OTLP bytes to messages: protobuf and JSON, spans, log records and metrics. Pure, lossless.

A request (`ExportTraceServiceRequest`) and stored data (`TracesData`) are the same bytes on the
wire, so one type serves both.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.decode.compression import decompress
from otel_vector.decode.otlp_json import message_from_json
from otel_vector.errors import MalformedError, UnsupportedMediaError
from otel_vector.spans.meanings import Signal

__all__ = [
    "JSON",
    "PROTOBUF",
    "Encoded",
    "decode",
    "logs_from",
    "logs_from_json",
    "metrics_from",
    "traces_from",
    "traces_from_json",
]

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
_LIMIT_BYTES = 64 << 20

_M = TypeVar("_M", bound=Message)


class Encoded(Protocol):
    """What is needed of an envelope."""

    @property
    def signal(self) -> Signal:
        """Spans or logs."""
        ...

    @property
    def content_type(self) -> str:
        """Protobuf or JSON."""
        ...

    @property
    def encoding(self) -> str:
        """The compression."""
        ...

    @property
    def body(self) -> bytes:
        """The bytes."""
        ...


def decode(envelope: Encoded, limit_bytes: int = _LIMIT_BYTES) -> TracesData | LogsData:
    """Return what an envelope holds.

    Raises:
        MalformedError: the bytes cannot be parsed.
        TooLargeError: more than `limit_bytes` after decompression.
        UnsupportedMediaError: an unknown content type or encoding.
    """
    body = decompress(envelope.body, envelope.encoding, limit_bytes)
    if envelope.signal is Signal.SPANS:
        return traces_from(body, envelope.content_type)
    return logs_from(body, envelope.content_type)


def traces_from(body: bytes, content_type: str) -> TracesData:
    """Return spans; raises `MalformedError` or `UnsupportedMediaError`."""
    return _message_from(TracesData, body, content_type)


def logs_from(body: bytes, content_type: str) -> LogsData:
    """Return log records; raises `MalformedError` or `UnsupportedMediaError`."""
    return _message_from(LogsData, body, content_type)


def metrics_from(body: bytes, content_type: str) -> MetricsData:
    """Return metrics; raises `MalformedError` or `UnsupportedMediaError`."""
    return _message_from(MetricsData, body, content_type)


def traces_from_json(source: bytes | str | dict[str, Any]) -> TracesData:
    """Return the spans of OTLP JSON, as text or parsed; raises `MalformedError`."""
    return message_from_json(TracesData, source)


def logs_from_json(source: bytes | str | dict[str, Any]) -> LogsData:
    """Return the log records of OTLP JSON, as text or parsed; raises `MalformedError`."""
    return message_from_json(LogsData, source)


def _message_from(kind: type[_M], body: bytes, content_type: str) -> _M:
    if content_type == PROTOBUF:
        return _message_from_protobuf(kind, body)
    if content_type == JSON:
        return message_from_json(kind, body)
    raise UnsupportedMediaError(
        f"content type {content_type!r} is not spoken here; use {PROTOBUF} or {JSON}"
    )


def _message_from_protobuf(kind: type[_M], body: bytes) -> _M:
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise MalformedError(
            f"the {len(body)} bytes are not an OTLP protobuf message ({kind.DESCRIPTOR.name}): "
            "truncated, of another type, with text that is not UTF-8, or nested deeper than "
            "100 levels"
        ) from error
