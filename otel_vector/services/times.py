"""Points in time as a user writes them: RFC 3339, nanoseconds, or relative to now.

`2022-08-22T05:18:16Z`, `2022-08-22`, `1661145496000000000`, `-1h`, `15m` (both: before now),
`now`. A time without a zone is UTC. What is relative to now is cut to the microsecond, the store's
own unit, so that such windows need no item to be read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from otel_vector.errors import InvalidQueryError

__all__ = ["instant_ns"]

_RELATIVE: Final = re.compile(r"-?(\d{1,9})(ms|s|m|h|d|w)")
_FRACTION: Final = re.compile(r"(:\d{2})\.(\d{1,9})")
_UNIT_NS: Final = {
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86400 * 10**9,
    "w": 7 * 86400 * 10**9,
}
_LATEST_NS: Final = 2**64 - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant_ns(text: str, now_ns: int) -> int:
    """Return a point in time in nanoseconds since the epoch.

    Args:
        text: as written by a user.
        now_ns: what relative times are relative to.

    Raises:
        InvalidQueryError: the text is none of the known forms.
    """
    text = text.strip()
    if text == "now":
        return now_ns // 1000 * 1000
    if relative := _RELATIVE.fullmatch(text):
        ago_ns = int(relative[1]) * _UNIT_NS[relative[2]]
        return max(0, now_ns - ago_ns) // 1000 * 1000
    if text.isascii() and text.isdecimal() and _is_nanoseconds(text):
        return int(text)
    return _calendar_ns(text)


def _is_nanoseconds(text: str) -> bool:
    return len(text) <= len(str(_LATEST_NS)) and int(text) <= _LATEST_NS


def _calendar_ns(text: str) -> int:
    """Read RFC 3339; the fraction is kept apart, since datetime has microseconds only."""
    fraction = _FRACTION.search(text)
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", text))
    except ValueError:
        raise InvalidQueryError(
            f"{text[:40]!r} is not a time: write RFC 3339 (2022-08-22T05:18:16Z), nanoseconds "
            "since the epoch, or how long ago (-1h, 15m, 7d)"
        ) from None
    passed = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    whole = (passed.days * 86400 + passed.seconds) * 10**9
    return max(0, whole + (int(fraction[2].ljust(9, "0")) if fraction else 0))
