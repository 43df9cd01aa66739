"""What a block's bytes must contain for a filter to match anything in it.

Blocks are our own serialisation, so an attribute's `KeyValue` has one byte form per type:
``0a <len> key 12 <len> value``. A test over the raw bytes of a block says "no" or "perhaps";
decoding confirms. A filter that says nothing about bytes gives no test.

Ranges read the value behind the key: one regular expression captures every value of the key in
a block, and only the distinct ones are looked at.
"""

from __future__ import annotations

import re
import struct
from base64 import b64decode
from collections.abc import Callable
from typing import Final

from otel_vector.spans.batch import varint
from otel_vector.spans.conventions import family
from otel_vector.spans.filters import (
    And,
    Attribute,
    BuiltIn,
    Compare,
    Exists,
    Field,
    Filter,
    Op,
    Or,
    Phrase,
)
from otel_vector.spans.values import number_of

__all__ = ["BytesTest", "bytes_test"]

BytesTest = Callable[[bytes], bool]

_CAPTURE: Final = (
    rb"(?s:([\x02-\x0b]\x18[\x80-\xff]{0,9}[\x00-\x7f]"  # int_value, a varint
    rb"|\x09\x21.{8}"  # double_value, little-endian
    rb"|\x02\x10."  # bool_value
    rb"|(?:[\x02-\x7f]|[\x80-\xff]{1,4}[\x00-\x7f])\x0a"  # string_value …
    rb"(?:(?:[\x00-\x7f]|[\x80-\xff][\x00-\x7f])[-+0-9.eE]{1,301})?"  # … perhaps a number
    rb"|.))"
)
_SPAN_HEX, _TRACE_HEX = 16, 32


def bytes_test(node: Filter) -> BytesTest | None:  # noqa: PLR0911 -- one per node
    """Return the test of a filter, or None when its bytes cannot be told."""
    match node:
        case And(items):
            return _all([test for item in items if (test := bytes_test(item))])
        case Or(items):
            tests = [bytes_test(item) for item in items]
            return _any([t for t in tests if t]) if all(tests) else None
        case Phrase(text):
            return _phrase(text)
        case Exists(Attribute(key)):
            return _any([_contains(_key_bytes(name)) for name in family(key)])
        case Compare(Attribute(key), op, values):
            return _any([_attribute(name, op, values) for name in family(key)])
        case Compare(field, op, values):
            return _built_in(field, op, values)
    return None


def _built_in(field: Field, op: Op, values: tuple[str, ...]) -> BytesTest | None:
    if op is not Op.EQ:
        return None
    if field is BuiltIn.SERVICE:
        return _any([_contains(_pair("service.name", _text_value(v))) for v in values])
    if field in {BuiltIn.TRACE, BuiltIn.SPAN, BuiltIn.PARENT}:
        return _hex_ids(values)
    if field in {BuiltIn.NAME, BuiltIn.SCOPE}:
        return _any([_contains(v.encode("utf-8", "replace")) for v in values])
    return None


def _hex_ids(values: tuple[str, ...]) -> BytesTest | None:
    try:
        ids = [bytes.fromhex(value) for value in values]
    except ValueError:
        return None
    return _any([_contains(value) for value in ids]) if all(ids) else None


def _phrase(text: str) -> BytesTest:
    """A phrase stands as it is, as the bytes of an id, or as a number's."""
    forms = [text.encode("utf-8", "replace")]
    number = number_of(text)
    if number is not None:
        forms.append(b"\x21" + struct.pack("<d", number))
        if abs(number) <= 1 << 63 and number == int(number):
            forms.append(b"\x18" + varint(int(number) & ((1 << 64) - 1)))
    if len(text) in {_SPAN_HEX, _TRACE_HEX} and re.fullmatch(r"[0-9a-fA-F]+", text):
        forms.append(bytes.fromhex(text))
    return _any([_contains(form) for form in forms])


def _attribute(key: str, op: Op, values: tuple[str, ...]) -> BytesTest:
    if op is Op.EQ:
        return _any([_equality(key, value) for value in values])
    if op in {Op.PREFIX, Op.CONTAINS}:
        return _contains(_key_bytes(key))
    return _in_range(key, op, values)


def _equality(key: str, value: str) -> BytesTest:
    """The key with each typed form of the value; within lists and maps only by the key."""
    number = number_of(value)
    if number is not None:
        return _number(key, number)
    if value[:1] in {"[", "{"} or value in {"", "nan", "inf", "-inf"}:
        return _contains(_key_bytes(key))
    exact = [_contains(_pair(key, form)) for form in _typed_forms(value)]
    listed = re.compile(re.escape(_key_bytes(key)) + rb"[\x00-\xff]{1,5}?\x2a")
    return lambda block: any(t(block) for t in exact) or listed.search(block) is not None


def _typed_forms(value: str) -> list[bytes]:
    """Return the AnyValue bytes of every type whose text is this one, but numbers."""
    forms = [_text_value(value)]
    if value in {"true", "false"}:
        forms.append(b"\x10\x01" if value == "true" else b"\x10\x00")
    try:
        raw = b64decode(value, validate=True)
    except ValueError:
        return forms
    return [*forms, b"\x3a" + varint(len(raw)) + raw]


def _number(key: str, number: float) -> BytesTest:
    captured = _values(key)
    return lambda block: any(found in {None, number} for found in map(_decoded, captured(block)))


def _in_range(key: str, op: Op, values: tuple[str, ...]) -> BytesTest:
    bounds = [number for value in values if (number := number_of(value)) is not None]
    holds = {
        Op.LT: float.__lt__, Op.LE: float.__le__, Op.GT: float.__gt__, Op.GE: float.__ge__,
    }[op]  # fmt: skip
    captured = _values(key)

    def test(block: bytes) -> bool:
        found = map(_decoded, captured(block))
        return any(n is None or any(holds(float(n), float(b)) for b in bounds) for n in found)

    return test


def _values(key: str) -> Callable[[bytes], set[bytes]]:
    find_all = re.compile(re.escape(_key_bytes(key)) + _CAPTURE).findall
    return lambda block: set(find_all(block))


def _decoded(value: bytes) -> float | None:
    """Return a captured value as a number; NaN if it is none, None if that cannot be told."""
    if len(value) == 1:
        return None
    if value[:2] == b"\x09\x21" and len(value) == 10:  # noqa: PLR2004 -- tag and eight bytes
        return float(struct.unpack("<d", value[2:])[0])
    if value[1:2] == b"\x18":
        return _signed(value[2:])
    if value[1:2] == b"\x10":
        return float("nan")
    text = value.split(b"\x0a", 1)[1]
    if not text:
        return float("nan")
    number = number_of(text[2 if text[0] & 0x80 else 1 :].decode("ascii"))
    return None if number is None else number


def _signed(data: bytes) -> int:
    number = sum((byte & 0x7F) << (7 * i) for i, byte in enumerate(data))
    return number - (1 << 64) if number >> 63 else number


def _key_bytes(key: str) -> bytes:
    raw = key.encode("utf-8", "replace")
    return b"\x0a" + varint(len(raw)) + raw + b"\x12"


def _pair(key: str, value: bytes) -> bytes:
    return _key_bytes(key) + varint(len(value)) + value


def _text_value(text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    return b"\x0a" + varint(len(raw)) + raw


def _contains(needle: bytes) -> BytesTest:
    return lambda block: needle in block


def _all(tests: list[BytesTest]) -> BytesTest | None:
    if len(tests) < 2:  # noqa: PLR2004 -- nothing to combine
        return tests[0] if tests else None
    return lambda block: all(test(block) for test in tests)


def _any(tests: list[BytesTest]) -> BytesTest:
    if len(tests) == 1:
        return tests[0]
    return lambda block: any(test(block) for test in tests)
