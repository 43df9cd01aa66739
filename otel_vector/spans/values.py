"""Typed attribute values as text: one canonical form, used by keys, filters and listings.

Integers are decimal, doubles Python's shortest form (`500.0`), booleans `true` and `false`,
bytes base64, lists and maps canonical JSON (keys sorted, no spaces), no value the empty text.
Numbers are equal by value, whatever their type; :func:`number_form` is their common form.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

__all__ = ["number_form", "number_of", "plain", "text_form"]

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_LONGEST_NUMBER: Final = 300  # characters; a longer run of digits is a text


def text_form(value: AnyValue) -> str:
    """Return the canonical text of a typed value."""
    which = value.WhichOneof("value")
    if which == "string_value":
        return str(value.string_value)
    if which in {"array_value", "kvlist_value"}:
        return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if which == "bool_value":
        return "true" if value.bool_value else "false"
    return str(plain(value) if which else "")


def plain(value: AnyValue) -> object:
    """Return a value as Python's own types; bytes as base64 text, no value as None."""
    which = value.WhichOneof("value")
    if which == "array_value":
        return [plain(item) for item in value.array_value.values]
    if which == "kvlist_value":
        return {item.key: plain(item.value) for item in value.kvlist_value.values}
    if which == "bytes_value":
        return b64encode(value.bytes_value).decode("ascii")
    return getattr(value, which) if which else None


def number_of(text: str) -> int | float | None:
    """Return the number a text reads as, or None: decimal digits, a point, an exponent."""
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    return int(text) if text.lstrip("+-").isdecimal() else float(text)


def number_form(number: float) -> str:
    """Return the text that all equal numbers share: `500` for 500, 500.0 and 5e2."""
    if isinstance(number, float) and number.is_integer():
        return str(int(number))
    return repr(number)
