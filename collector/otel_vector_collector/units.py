"""Numbers as people read them: durations, times, counts, bytes."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

__all__ = ["ago", "bytes_text", "count", "duration", "moment"]

_DURATIONS: Final = (("h", 3600 * 10**9), ("min", 60 * 10**9), ("s", 10**9), ("ms", 10**6))
_AGES: Final = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_BYTES: Final = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))
_YEARS_S: Final = 400 * 86400


def duration(nanoseconds: float) -> str:
    """Return `1.2 ms`, `34 s`: three significant digits."""
    for unit, size in (*_DURATIONS, ("µs", 1000)):
        if nanoseconds >= size:
            return f"{_three(nanoseconds / size)} {unit}"
    return f"{round(nanoseconds)} ns"


def moment(unix_nano: int) -> str:
    """Return a time in UTC, to the millisecond; empty for 0."""
    if not unix_nano:
        return ""
    try:
        at = datetime.fromtimestamp(unix_nano // 10**9, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{unix_nano} ns"
    return f"{at:%Y-%m-%d %H:%M:%S}.{unix_nano // 10**6 % 1000:03d}Z"


def ago(unix_nano: int, now_s: float | None = None) -> str:
    """Return `3 min ago`; the date for what is more than a year off or in the future."""
    if not unix_nano:
        return ""
    age_s = (time.time() if now_s is None else now_s) - unix_nano / 1e9
    if not 0 <= age_s < _YEARS_S:
        return moment(unix_nano)[:16]
    unit, size = next(((u, s) for u, s in _AGES if age_s >= s), ("s", 1))
    return f"{int(age_s / size)} {unit} ago"


def count(number: int) -> str:
    """Return a whole number with thousands set apart."""
    return f"{number:,}"


def bytes_text(number: float) -> str:
    """Return `1.5 MiB`."""
    for unit, size in _BYTES:
        if number >= size:
            return f"{_three(number / size)} {unit}"
    return f"{round(number)} B"


def _three(number: float) -> str:
    return f"{number:.3g}" if number < 1000 else f"{number:.0f}"  # noqa: PLR2004
