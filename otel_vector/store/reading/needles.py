"""What a block's bytes must contain for a filter to match anything in it.

Blocks are our own serialisation, so an attribute's `KeyValue` has one byte form per type:
``0a <len> key 12 <len> value``. A test over the raw bytes of a block says "no" or "perhaps";
decoding confirms. A filter that says nothing about bytes gives no test.

Numbers and ranges read every value behind the key (see `captured`).
"""

from __future__ import annotations

import re
import struct
from base64 import b64decode
from collections.abc import Callable
from typing import Final

import numpy as np
import re2
from numpy.typing import NDArray

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
from otel_vector.store.reading.captured import Numbers, value_reader

__all__ = ["BytesTest", "bytes_test", "part_test"]

BytesTest = Callable[[bytes], bool]

_BYTES: Final = re2.Options()
_BYTES.encoding = re2.Options.Encoding.LATIN1
_BYTES.never_nl = False

_SPAN_HEX, _TRACE_HEX = 16, 32
_ROUNDED: Final = 1 << 53
"""Integers from here on are doubles only rounded: several are equal to one."""


def part_test(node: Filter | None, services: frozenset[str] | None) -> BytesTest | None:
    """Return the test of a part of a block, which holds items of one resource; None for all.

    Args:
        node: the filter; None for none.
        services: those a match can be of (see `asking`); None for any. They are looked for first,
            since most parts are of another one and have no other bytes looked at.
    """
    test = bytes_test(node) if node is not None else None
    if not services or "" in services:
        return test
    of_services = _any([_contains(_pair("service.name", _text_value(s))) for s in services])
    return _all([of_services, test]) if test else of_services


def bytes_test(node: Filter) -> BytesTest | None:  # noqa: PLR0911 -- one per node
    """Return the test of a filter, or None when its bytes cannot be told."""
    match node:
        case And(items):
            # What names an attribute rules out more blocks than a service or a name does.
            ordered = sorted(items, key=lambda i: isinstance(getattr(i, "field", None), BuiltIn))
            return _all([test for item in ordered if (test := bytes_test(item))])
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
    if op is not Op.EQ or not all(values):
        return None  # an empty value matches what has none, which leaves no bytes
    if field is BuiltIn.SERVICE:
        return _any([_contains(_pair("service.name", _text_value(v))) for v in values])
    if field in {BuiltIn.TRACE, BuiltIn.SPAN, BuiltIn.PARENT}:
        return _hex_ids(values)
    if field in {BuiltIn.NAME, BuiltIn.SCOPE, BuiltIn.SCOPE_VERSION}:
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
        forms += _number_forms(number)
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
    # One pass: the key, then the value in one of its types, or a list that may hold it.
    forms = b"|".join(re.escape(varint(len(f)) + f) for f in _typed_forms(value))
    pattern = re.escape(_key_bytes(key)) + b"(?:" + forms + rb"|[\x00-\xff]{1,5}?\x2a)"
    either = re2.compile(pattern, _BYTES)
    return lambda block: either.search(block) is not None


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
    """Look for the bytes of the number; where there are values of another kind, read them all."""
    by_value = _by_value(key, lambda found: found == number)
    if abs(number) >= _ROUNDED:
        return by_value
    before = re.escape(_key_bytes(key))
    forms = b"|".join(re.escape(varint(len(f)) + f) for f in _number_forms(number))
    equal = re2.compile(before + b"(?:" + forms + b")", _BYTES)
    other = re2.compile(before + rb"(?:[\x80-\xff]|[\x00-\x7f][^\x10\x18\x21])", _BYTES)
    return lambda block: (
        equal.search(block) is not None or (other.search(block) is not None and by_value(block))
    )


def _number_forms(number: float) -> list[bytes]:
    """Return the AnyValue bytes of the double and of the integer that equal a number."""
    doubles = (0.0, -0.0) if number == 0 else (number,)
    forms = [b"\x21" + struct.pack("<d", double) for double in doubles]
    if abs(number) <= 1 << 63 and number == int(number):
        forms.append(b"\x18" + varint(int(number) & ((1 << 64) - 1)))
    return forms


def _in_range(key: str, op: Op, values: tuple[str, ...]) -> BytesTest:
    bounds = [number for value in values if (number := number_of(value)) is not None]
    if not bounds:
        return lambda _: False
    within: dict[Op, Callable[[Numbers], NDArray[np.bool_]]] = {
        Op.LT: lambda found: found <= max(bounds),
        Op.LE: lambda found: found <= max(bounds),
        Op.GT: lambda found: found >= min(bounds),
        Op.GE: lambda found: found >= min(bounds),
    }
    return _by_value(key, within[op])


def _by_value(key: str, holds: Callable[[Numbers], NDArray[np.bool_]]) -> BytesTest:
    """Test the numbers that stand behind a key; as doubles, so bounds are taken inclusive."""
    read = value_reader(_key_bytes(key))

    def test(block: bytes) -> bool:
        numbers, unsure = read(block)
        return unsure or bool(np.any(holds(numbers)))

    return test


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
