"""Protobuf messages to OTLP JSON: hex ids, integers of 64 bits as strings, enums as integers.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. Fields that a message does not
know cannot be written in JSON; everything else comes back from `decode.otlp_json` as it was.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

__all__ = ["HEX_FIELDS", "json_object", "json_text", "logs_to_json", "traces_to_json"]

HEX_FIELDS = frozenset({"trace_id", "span_id", "parent_span_id"})
"""Fields of type bytes that OTLP JSON writes in hex; all others are base64."""

_Write: TypeAlias = Callable[[Any], Any]
_WIDE = {FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64}
_FLOATING = {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}


def traces_to_json(data: TracesData) -> bytes:
    """Return the spans as one line of OTLP JSON, without a line break."""
    return json_text(data)


def logs_to_json(data: LogsData) -> bytes:
    """Return the log records as one line of OTLP JSON, without a line break."""
    return json_text(data)


def json_text(message: Message) -> bytes:
    """Return any OTLP message as JSON."""
    return orjson.dumps(json_object(message))


def json_object(message: Message) -> dict[str, Any]:
    """Return any OTLP message (a span, a value, a request) as an object for JSON."""
    writers = _writers(message.DESCRIPTOR)
    written = {}
    for field, value in message.ListFields():
        name, write = writers[field.number]
        written[name] = write(value)
    return written


@cache
def _writers(descriptor: Descriptor) -> dict[int, tuple[str, _Write]]:
    return {field.number: (field.json_name, _writer(field)) for field in descriptor.fields}


def _writer(field: FieldDescriptor) -> _Write:
    write = _one_writer(field)
    if field.is_repeated:
        return lambda values: [write(value) for value in values]
    return write


def _one_writer(field: FieldDescriptor) -> _Write:
    if field.message_type is not None:
        return json_object
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes.hex if field.name in HEX_FIELDS else _base64_text
    if field.cpp_type in _WIDE:
        return str
    if field.cpp_type in _FLOATING:
        return _number
    return _unchanged


def _base64_text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _unchanged(value: Any) -> Any:
    return value
