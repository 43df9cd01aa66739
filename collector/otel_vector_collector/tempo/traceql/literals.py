"""Texts, numbers and durations as TraceQL writes them, which is as Go does."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from otel_vector.errors import InvalidQueryError

__all__ = ["DURATION", "NUMBER", "QUOTED", "RAW", "duration_ns", "number", "unquoted"]

_UNITS_NS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86_400 * 10**9,
    "w": 7 * 86_400 * 10**9,
    "y": 365 * 86_400 * 10**9,
}
_LARGEST: Final = (1 << 63) - 1

_DIGITS: Final = r"(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})"
_PART: Final = re.compile(rf"({_DIGITS})(ns|us|µs|μs|ms|s|m|h|d|w|y)")
NUMBER: Final = re.compile(rf"{_DIGITS}(?:[eE][+-]?[0-9]{{1,3}})?(?![\w.])")
DURATION: Final = re.compile(rf"(?:{_PART.pattern})+(?![\w.])")
QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
RAW: Final = re.compile(r"`([^`]*)`")

_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL
)
_SIMPLE: Final = dict(zip('abfnrtv\\"', '\a\b\f\n\r\t\v\\"', strict=True))
_SURROGATES: Final = range(0xD800, 0xE000)
_LAST: Final = 0x10FFFF


def unquoted(inside: str) -> str:
    """Return what is meant by the characters between double quotes.

    Raises:
        InvalidQueryError: an escape that there is not.
    """
    return _ESCAPE.sub(_character, inside)


def number(text: str) -> int | float:
    """Return a number: whole without a point and an exponent.

    Raises:
        InvalidQueryError: it is whole and has more than 63 bits, or is too large altogether.
    """
    found = int(text) if text.isdecimal() else float(text)
    if found == float("inf") or (isinstance(found, int) and found > _LARGEST):
        raise InvalidQueryError(f"{text[:40]} is too large; a whole number is at most {_LARGEST}")
    return found


def duration_ns(text: str) -> int:
    """Return a duration such as `1.5s`, `100ms` or `1h30m` in nanoseconds.

    Raises:
        InvalidQueryError: it is none.
    """
    if not DURATION.fullmatch(text):
        raise InvalidQueryError(
            f"{text[:40]!r} is no duration; write numbers and their units: 1.5s, 100ms, 1h30m"
        )
    parts = _PART.findall(text)
    total = sum(Decimal(count) * _UNITS_NS[unit.replace("μ", "µ")] for count, unit in parts)
    if total > _LARGEST:
        raise InvalidQueryError(f"{text[:40]!r} is too long; a duration has at most 290 years")
    return int(total)


def _character(found: re.Match[str]) -> str:
    two, four, eight, octal, simple = found.groups()
    if simple is not None:
        if simple not in _SIMPLE:
            raise InvalidQueryError(
                f"there is no escape {found[0]!r}; a backslash is written \\\\"
            )
        return _SIMPLE[simple]
    code = int(octal, 8) if octal else int(two or four or eight, 16)
    is_byte = two is not None or octal is not None
    if code in _SURROGATES or code > _LAST or (is_byte and code > 0x7F):  # noqa: PLR2004 -- ASCII
        raise InvalidQueryError(f"{found[0]} is no character; write it as \\u and four digits")
    return chr(code)
