"""OTLP JSON to protobuf messages.

The encoding is protobuf's JSON mapping with OTLP's exceptions: trace and span ids are hex in
either case, enums are integers only, names are lowerCamelCase only, and unknown fields are
ignored (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). How each field is
read follows from the message's descriptor, so a field that OTLP adds is read once the installed
messages know it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias, TypeVar

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from otel_vector.errors import MalformedError
from otel_vector.spans.otlp_json import HEX_FIELDS

__all__ = ["message_from_json"]

_MAX_DEPTH = 100
"""Messages within messages, as many as protobuf itself reads."""
_INTEGER = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_MAX_EXACT = 1 << 53

_M = TypeVar("_M", bound=Message)
_Parse: TypeAlias = Callable[[Any], Any]
_Read: TypeAlias = Callable[[Message, Any, int], None]


def message_from_json(kind: type[_M], source: bytes | str | dict[str, Any]) -> _M:
    """Return the message that a JSON text, or an object parsed from one, stands for.

    Raises:
        MalformedError: it is not JSON, or not of the message's shape; the message says where.
    """
    if not isinstance(source, dict):
        try:
            source = orjson.loads(source)
        except orjson.JSONDecodeError as error:
            raise MalformedError(f"the body is not JSON: {error}") from error
    message = kind()
    _fill(message, source, 0)
    return message


def _fill(message: Message, source: Any, depth: int) -> None:
    if type(source) is not dict:
        raise MalformedError(f"{message.DESCRIPTOR.name} must be an object, not {_kind(source)}")
    if depth > _MAX_DEPTH:
        raise MalformedError(f"nested deeper than {_MAX_DEPTH} levels; send flatter values")
    readers = _readers(message.DESCRIPTOR)
    for name, value in source.items():
        read = readers.get(name)
        if read is None or value is None:
            continue
        try:
            read(message, value, depth)
        except (TypeError, ValueError) as error:
            where = f"{message.DESCRIPTOR.name}.{name}"
            raise MalformedError(f"{where} cannot be read: {error}") from error


@cache
def _readers(descriptor: Descriptor) -> dict[str, _Read]:
    return {field.json_name: _reader(field) for field in descriptor.fields}


def _reader(field: FieldDescriptor) -> _Read:
    name = field.name
    if field.message_type is not None:
        return _messages_reader(name) if field.is_repeated else _message_reader(name)
    parse = _parser(field)

    def read_one(message: Message, value: Any, depth: int) -> None:  # noqa: ARG001
        setattr(message, name, parse(value))

    def read_many(message: Message, value: Any, depth: int) -> None:  # noqa: ARG001
        getattr(message, name).extend([parse(element) for element in _list(value)])

    return read_many if field.is_repeated else read_one


def _message_reader(name: str) -> _Read:
    def read(message: Message, value: Any, depth: int) -> None:
        inner = getattr(message, name)
        inner.SetInParent()
        _fill(inner, value, depth + 1)

    return read


def _messages_reader(name: str) -> _Read:
    def read(message: Message, value: Any, depth: int) -> None:
        add = getattr(message, name).add
        for element in _list(value):
            _fill(add(), element, depth + 1)

    return read


def _parser(field: FieldDescriptor) -> _Parse:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _id_bytes if field.name in HEX_FIELDS else _base64_bytes
    return {
        FieldDescriptor.CPPTYPE_STRING: _text,
        FieldDescriptor.CPPTYPE_BOOL: _bool,
        FieldDescriptor.CPPTYPE_ENUM: _enum,
        FieldDescriptor.CPPTYPE_DOUBLE: _double,
        FieldDescriptor.CPPTYPE_FLOAT: _double,
    }.get(field.cpp_type, _integer)


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    raise TypeError(f"must be a string, not {_kind(value)}")


def _bool(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise TypeError(f"must be true or false, not {_kind(value)}")


def _enum(value: Any) -> int:
    if type(value) is int:
        return value
    raise TypeError(f"must be an integer, since OTLP JSON has no enum names, not {_kind(value)}")


def _integer(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is str and _INTEGER.fullmatch(value):
        return int(value)
    if type(value) is float and value.is_integer() and abs(value) <= _MAX_EXACT:
        return int(value)
    raise TypeError(f"must be an integer or a string of digits, not {_kind(value)}")


def _double(value: Any) -> float:
    if type(value) in {float, int}:
        return float(value)
    if type(value) is str:
        try:
            return float(value)
        except ValueError:
            raise ValueError(f"must be a number, not {value[:40]!r}") from None
    raise TypeError(f"must be a number, not {_kind(value)}")


def _id_bytes(value: Any) -> bytes:
    try:
        return bytes.fromhex(_text(value))
    except ValueError:
        raise ValueError(f"must be hex, not {value[:40]!r}") from None


def _base64_bytes(value: Any) -> bytes:
    text = _text(value).replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _list(value: Any) -> list[Any]:
    if type(value) is list:
        return value
    raise TypeError(f"must be a list, not {_kind(value)}")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")
