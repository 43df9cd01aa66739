"""Lengths of time and points in the future, as people write them."""

from __future__ import annotations

import re
from typing import Final

from otel_vector.errors import InvalidInputError
from otel_vector.services.times import instant_ns

__all__ = ["end_ns", "length_s"]

_LENGTH: Final = re.compile(r"([0-9]{1,6})\s*(s|m|h|d|w)", re.ASCII)
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def length_s(text: str) -> float:
    """Return a length of time in seconds.

    Raises:
        InvalidInputError: the text is none.
    """
    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        raise InvalidInputError(f"{text!r} is no length of time, like 0s, 30m, 24h, 90d or 52w")
    return float(int(match[1]) * _UNIT_S[match[2]])


def end_ns(text: str, now_ns: int) -> int:
    """Return a point in the future, nanoseconds since the epoch: a length from now, or a date.

    Raises:
        InvalidInputError: the text is neither, or in the past.
    """
    if _LENGTH.fullmatch(text.strip()):
        at_ns = now_ns + int(length_s(text) * 1e9)
    else:
        at_ns = instant_ns(text, now_ns)
    if at_ns <= now_ns:
        raise InvalidInputError(f"{text!r} is not in the future; give it as 90d or as a date")
    return at_ns
