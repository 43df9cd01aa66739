"""Secrets in protobuf messages: every text field of every message inside, and every value.

The walk follows the descriptors, so a text field that a later version of OTLP adds is read like
the others, and it keeps its own stack, so nesting costs none. Fields that this version does not
know are kept as they came unless the gate hits them; then the message they are in is stripped of
them, which counts as one. Messages above and below it keep theirs.

Numbers are redacted only by name. Booleans never are: one bit is no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList

from otel_vector.redact.jsontext import JsonRules
from otel_vector.redact.keys import KeyRules
from otel_vector.redact.text import TextRules

__all__ = ["Walker"]

_TEXT: Final = FieldDescriptor.TYPE_STRING
_MESSAGE: Final = FieldDescriptor.TYPE_MESSAGE
_FLAG: Final = re.compile(r"--?[\w-]+")
_ANY: Final = AnyValue.DESCRIPTOR.full_name
_PAIR: Final = KeyValue.DESCRIPTOR.full_name


class Walker:
    """Redacts messages in place."""

    def __init__(self, text: TextRules, keys: KeyRules) -> None:
        self._text = text
        self._keys = keys
        self._json = JsonRules(text, keys)

    def message(self, message: Message) -> int:
        """Redact everything in a message; return how many values changed."""
        has_unknown = _has_unknown_fields(message)
        stack: list[tuple[Any, str | None]] = [(message, None)]
        count = 0
        while stack:
            part, kind = stack.pop()
            if has_unknown:
                count += self.unknown_fields(part)
            name = part.DESCRIPTOR.full_name
            if name == _ANY:
                count += self._value(part, kind, stack)
            elif name == _PAIR:
                count += self._pair(part, kind, stack)
            else:
                count += self._fields(part, stack)
        return count

    def unknown_fields(self, message: Message) -> int:
        """Drop a message's unknown fields if the gate hits them; return 1 if it did."""
        gate = self._text.gate
        if not any(gate.hit(data) for data in _unknown_bytes(UnknownFieldSet(message))):
            return 0
        _strip(message)
        return 1

    def _fields(self, part: Any, stack: list[tuple[Any, str | None]]) -> int:
        count = 0
        for field, value in part.ListFields():
            if field.type == _MESSAGE:
                stack += [(v, None) for v in (value if field.is_repeated else (value,))]
            elif field.type == _TEXT:
                count += self._texts(part, field, value)
        return count

    def _texts(self, part: Any, field: FieldDescriptor, value: Any) -> int:
        if not field.is_repeated:
            text, count = self.text(value)
            if count:
                setattr(part, field.name, text)
            return count
        found = [self.text(text) for text in value]
        count = sum(n for _, n in found)
        if count:
            value[:] = [text for text, _ in found]
        return count

    def _pair(self, pair: Any, kind: str | None, stack: list[tuple[Any, str | None]]) -> int:
        if self._keys.allowed(pair.key):
            return 0
        kind = kind or self._keys.kind(pair.key)
        text, count = self.text(pair.key)
        if count:
            pair.key = text
            kind = kind or self._keys.kind(text)
        if pair.HasField("value"):
            stack.append((pair.value, kind))
        return count

    def _value(self, value: Any, kind: str | None, stack: list[tuple[Any, str | None]]) -> int:
        case = value.WhichOneof("value")
        if case == "string_value":
            return self._string_value(value, kind)
        if case == "bytes_value":
            return self._bytes_value(value, kind)
        if case == "array_value":
            stack += self._elements(value.array_value.values, kind)
        elif case == "kvlist_value":
            stack += self._members(value.kvlist_value, kind)
        elif case in {"int_value", "double_value"} and kind not in {None, "token"}:
            secret = str(getattr(value, case)).encode()
            value.string_value = self._text.mark(str(kind), secret).decode()
            return 1
        return 0

    def _string_value(self, value: Any, kind: str | None) -> int:
        if kind is None:
            text, count = self.text(value.string_value)
        else:
            text, count = self._secret(value.string_value, kind)
        if count:
            value.string_value = text
        return count

    def _bytes_value(self, value: Any, kind: str | None) -> int:
        if kind is None:
            data, count = self._json.redact(value.bytes_value)
        elif self._text.keeps(value.bytes_value):
            return 0
        else:
            data, count = self._text.mark(kind, value.bytes_value), 1
        if count:
            value.bytes_value = data
        return count

    def _elements(self, values: Any, kind: str | None) -> Iterator[tuple[Any, str | None]]:
        """Yield an array's elements; the one after ``--password`` is a password."""
        flagged: str | None = None
        for value in values:
            yield value, kind or flagged
            text = value.string_value
            flagged = self._keys.kind(text) if text[:1] == "-" and _FLAG.fullmatch(text) else None

    def _members(self, values: KeyValueList, kind: str | None) -> list[tuple[Any, str | None]]:
        """Return a list's members; in ``{name: password, value: …}`` the value is a password."""
        names = [v.value.string_value for v in values.values if v.key in {"name", "key"}]
        paired = self._keys.kind(names[0]) if len(names) == 1 else None
        return [(v, kind or (paired if v.key == "value" else None)) for v in values.values]

    def text(self, text: str) -> tuple[str, int]:
        """Return a text without secrets, and how many there were."""
        if not text:
            return text, 0
        data, count = self._json.redact(text.encode())
        return (data.decode("utf-8", "replace"), count) if count else (text, 0)

    def _secret(self, text: str, kind: str) -> tuple[str, int]:
        data = text.encode()
        if self._text.keeps(data):
            return text, 0
        return self._text.mark(kind, data).decode(), 1


def _has_unknown_fields(message: Message) -> bool:
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    return known.ByteSize() != message.ByteSize()


def _strip(message: Any) -> None:
    """Take a message's own unknown fields away; references to what is below it break."""
    known = type(message)()
    for field, value in message.ListFields():
        if field.is_repeated:
            getattr(known, field.name).MergeFrom(value)
        elif field.type == _MESSAGE:
            getattr(known, field.name).CopyFrom(value)
        else:
            setattr(known, field.name, value)
    message.CopyFrom(known)


def _unknown_bytes(fields: UnknownFieldSet) -> Iterator[bytes]:
    """Yield what unknown fields hold of bytes, groups opened."""
    groups = [fields]
    while groups:
        group = groups.pop()
        for field in (group[i] for i in range(len(group))):
            if isinstance(field.data, bytes):
                yield field.data
            elif isinstance(field.data, UnknownFieldSet):
                groups.append(field.data)
