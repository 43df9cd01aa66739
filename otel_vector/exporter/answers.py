"""Reads what a collector that took a request says of single items."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_vector.exporter.outcomes import Taken
from otel_vector.spans.meanings import Signal

__all__ = ["in_one_line", "taken"]

_SHOWN: Final = 300  # characters

_ANSWERS: Final[dict[Signal, tuple[Any, str]]] = {
    Signal.SPANS: (ExportTraceServiceResponse, "rejected_spans"),
    Signal.LOGS: (ExportLogsServiceResponse, "rejected_log_records"),
}


def taken(signal: Signal, answer: bytes) -> Taken:
    """Return what an answer of success says; one that cannot be read says nothing."""
    if not answer:
        return Taken()
    kind, field = _ANSWERS[signal]
    try:
        partial = kind.FromString(answer).partial_success
    except DecodeError:
        return Taken()
    return Taken(max(0, getattr(partial, field)), in_one_line(partial.error_message))


def in_one_line(text: str) -> str:
    """Return the beginning of what a collector says as one line, which no log takes for two."""
    plain = "".join(char if char.isprintable() else " " for char in text[: 2 * _SHOWN])
    return " ".join(plain.split())[:_SHOWN]
