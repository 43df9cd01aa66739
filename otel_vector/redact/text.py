"""Secrets in a piece of text: the part that matches is replaced by a marker, the rest stays.

Patterns run in a fixed order, shapes before surroundings, and again until none finds anything:
what is returned is a fixed point, so redacting it again changes nothing. A match that lies in a
marker, or cuts one, is none; a value that holds markers and more is replaced as a whole.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Final

import re2

from otel_vector.redact.checks import is_placeholder
from otel_vector.redact.contexts import Context, contexts, is_assigned
from otel_vector.redact.gate import Gate, compiled
from otel_vector.redact.keys import KeyRules, latin1
from otel_vector.redact.patterns import TOKENS, Pattern
from otel_vector.redact.personal import personal
from otel_vector.settings.config import RedactConfig
from otel_vector.spans.markers import MARKER, marker

__all__ = ["TextRules"]

_MARKER: Final = re.compile(MARKER.pattern.encode())
_OPENING: Final = b"[redacted:"
_ONLY_MARKERS: Final = re.compile(rb"(?:" + MARKER.pattern.encode() + rb"\s*)+")
_NAMED: Final = re.compile(rb"\(\?P<\w+>")
_PASSES: Final = 8
_SHORT: Final = 512

_Found = tuple[str, int, int]
"""Kind, start and end of a secret."""

_Judge = Callable[[re2._Match], _Found | None]  # noqa: SLF001 -- re2 has no public name for it
"""Decides whether a match is a secret, and which part of it."""


class TextRules:
    """All rules about text, compiled once."""

    def __init__(self, config: RedactConfig, keys: KeyRules, key: bytes) -> None:
        rows = contexts(keys)
        people = personal(config.pii)
        users = compiled(config.patterns)
        gates = [row.gate for row in (*TOKENS, *people)]
        gates += [b"(?i:" + row.gate + b")" for row in rows if row.gate]
        self.gate = Gate(config, gates, keys.stems)
        self._key = key
        self._scans: tuple[tuple[re2._Regexp, _Judge], ...] = (
            (latin1(b"|".join(row.regex for row in TOKENS)), _judge_shapes(TOKENS)),
            *(_context_scan(row, keys) for row in rows),
            *((latin1(row.regex), _judge_shapes((row,))) for row in people),
        )
        self._users = tuple((regex, _judge_users) for regex in users)
        cased = [row.regex for row in (*TOKENS, *people)]
        self._any = latin1(_union(cased, [row.regex for row in rows]), without_groups=True)

    def mark(self, kind: str, secret: bytes) -> bytes:
        """Return the marker of a secret."""
        return marker(kind, secret, self._key).encode()

    @staticmethod
    def keeps(value: bytes) -> bool:
        """Return whether a value under a secret name is none: empty, a marker, a stand-in."""
        return bool(_ONLY_MARKERS.fullmatch(value)) or is_placeholder(value)

    def redact(self, text: bytes) -> tuple[bytes, int]:
        """Return the text without secrets, and how many there were."""
        if not self.gate.hit(text):
            return text, 0
        count = 0
        for _ in range(_PASSES):
            text, found = self._pass(text)
            if not found:
                return text, count
            count += found
        return self.mark("text", text), count

    def _pass(self, text: bytes) -> tuple[bytes, int]:
        count = 0
        scans = self._scans + self._users if self._any.search(text) is not None else self._users
        for regex, judge in scans:
            if regex.search(text) is not None:
                text, found = self._replace(text, regex, judge)
                count += found
        return text, count

    def _replace(self, text: bytes, regex: re2._Regexp, judge: _Judge) -> tuple[bytes, int]:
        # After a match that is no secret the search goes on behind its name, not its end: the
        # value it named may itself hold the name of a secret.
        marked = [m.span() for m in _MARKER.finditer(text)] if _OPENING in text else []
        name = regex.groupindex.get(b"name", 0)
        parts, done, position, count = list[bytes](), 0, 0, 0
        while (match := regex.search(text, position)) is not None:
            if name and (beyond := _marker_end(marked, match.start(name))):
                position = beyond
                continue
            found = judge(match)
            if found is None or _spoils(text, marked, found[1], found[2]):
                position = max(match.end(name), match.start() + 1)
                continue
            kind, start, end = found
            parts += (text[done:start], self.mark(kind, text[start:end]))
            done = position = end
            count += 1
        return (b"".join((*parts, text[done:])), count) if count else (text, 0)


def _union(cased: list[bytes], caseless: list[bytes]) -> bytes:
    """Return one regex for all: whether anything matches at all, in a single pass."""
    parts = [*cased, *(b"(?i:" + regex + b")" for regex in caseless)]
    return _NAMED.sub(b"(?:", b"|".join(parts))


def _marker_end(marked: list[tuple[int, int]], position: int) -> int:
    """Return where the marker ends that a position is in, or 0."""
    before = bisect_right(marked, (position, position)) - 1
    return marked[before][1] if before >= 0 and position < marked[before][1] else 0


def _spoils(text: bytes, marked: list[tuple[int, int]], start: int, end: int) -> bool:
    """Return whether replacing this range would hit nothing but markers, or cut one.

    Markers are in order and apart, so only the two around the ends can be cut.
    """
    if start >= end:
        return True
    first = bisect_right(marked, (start, start)) - 1
    last = bisect_left(marked, (end, end)) - 1
    if first >= 0 and start < marked[first][1]:
        return True
    if last >= 0 and marked[last][1] > end:
        return True
    return (
        last >= 0 and marked[last][0] >= start and bool(_ONLY_MARKERS.fullmatch(text, start, end))
    )


def _judge_shapes(rows: tuple[Pattern, ...]) -> _Judge:
    """A match of the alternation of rows, one group each."""

    def judge(match: re2._Match) -> _Found | None:
        for number, row in enumerate(rows, 1):
            start, end = match.span(number)
            if start >= 0:
                if row.check is None or row.check(match.string[start:end]):
                    return row.kind, start, end
                return None
        return None

    return judge


def _judge_users(match: re2._Match) -> _Found | None:
    """A user's own pattern: its first group, or all of it."""
    start, end = match.span(1) if match.re.groups else match.span()
    return ("custom", start, end) if start >= 0 else None


def _context_scan(row: Context, keys: KeyRules) -> tuple[re2._Regexp, _Judge]:
    """A regex of :mod:`~otel_vector.redact.contexts` and what decides on its matches."""
    regex = latin1(row.regex, ignore_case=True)
    groups = dict(regex.groupindex)

    def judge(match: re2._Match) -> _Found | None:
        kind = _kind(match, groups, keys) if b"name" in groups else row.kind
        if kind is None:
            return None
        if row.value is not None:
            return _assigned(kind, match, groups, row.value)
        start, end = match.span(groups[b"value"])
        value = match.string[start:end]
        if TextRules.keeps(value) or (row.check is not None and not row.check(value)):
            return None
        return kind, start, end

    return regex, judge


def _kind(match: re2._Match, groups: dict[bytes, int], keys: KeyRules) -> str | None:
    return keys.kind(match.group(groups[b"name"]).decode("utf-8", "replace"))


def _assigned(
    kind: str, match: re2._Match, groups: dict[bytes, int], reader: re.Pattern[bytes]
) -> _Found | None:
    """What stands behind ``name=``. A long bare word is a secret whatever it looks like."""
    text, position = match.string, match.end()
    operator, gap = match.group(groups[b"op"]), match.group(groups[b"gap"])
    short = reader.match(text, position, position + _SHORT)
    if short is None:
        return None
    is_bare, start, end = short.lastgroup == "bare", *short.span(short.lastindex or 0)
    value = text[start:end]
    if is_bare and not is_assigned(kind, operator, gap, value):
        return None
    if end - position + 1 < _SHORT:
        return None if TextRules.keeps(value) else (kind, start, end)
    whole = reader.match(text, position)
    return None if whole is None else (kind, *whole.span(whole.lastindex or 0))
