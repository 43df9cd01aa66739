"""Secrets in a piece of text: the part that matches is replaced by a marker, the rest stays.

Patterns run in a fixed order, shapes before surroundings, and again until none finds anything:
what is returned is a fixed point, so redacting it again changes nothing. A match that lies in a
marker, or cuts one, is none; a value that holds markers and more is replaced as a whole.
"""

from __future__ import annotations

import re
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
_PASSES: Final = 8
_VALUES: Final = (b"value", b"dq", b"sq", b"eq", b"bare")

_Found = tuple[str, int, int]
"""Kind, start and end of a secret."""


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
        self._scans: tuple[tuple[re2._Regexp, Callable[[re2._Match], _Found | None]], ...] = (
            (latin1(b"|".join(row.regex for row in TOKENS)), _judge_shapes(TOKENS)),
            *(_context_scan(row, keys) for row in rows),
            *((latin1(row.regex), _judge_shapes((row,))) for row in people),
            *((regex, _judge_users) for regex in users),
        )

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
        for regex, judge in self._scans:
            if regex.search(text) is not None:
                text, found = self._replace(text, regex, judge)
                count += found
        return text, count

    def _replace(
        self, text: bytes, regex: re2._Regexp, judge: Callable[[re2._Match], _Found | None]
    ) -> tuple[bytes, int]:
        marked = [m.span() for m in _MARKER.finditer(text)] if _OPENING in text else []
        parts, done, position, count = list[bytes](), 0, 0, 0
        while (match := regex.search(text, position)) is not None:
            found = judge(match)
            if found is None or _spoils(text, marked, found[1], found[2]):
                position = _past(match)
                continue
            kind, start, end = found
            parts += (text[done:start], self.mark(kind, text[start:end]))
            done = position = end
            count += 1
        return (b"".join((*parts, text[done:])), count) if count else (text, 0)


def _past(match: re2._Match) -> int:
    """Return where to go on after a match that is no secret: past its name, if it has one.

    The rejected value may itself hold the name of a secret.
    """
    start, end = match.span()
    if b"name" in match.re.groupindex:
        end = match.end(match.re.groupindex[b"name"])
    return int(max(end, start + 1))


def _spoils(text: bytes, marked: list[tuple[int, int]], start: int, end: int) -> bool:
    """Return whether replacing this range would hit nothing but markers, or cut one."""
    for low, high in marked:
        if low < end and start < high and not (start <= low and high <= end):
            return True
    return start >= end or bool(marked and _ONLY_MARKERS.fullmatch(text, start, end))


def _judge_shapes(rows: tuple[Pattern, ...]) -> Callable[[re2._Match], _Found | None]:
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


def _context_scan(
    row: Context, keys: KeyRules
) -> tuple[re2._Regexp, Callable[[re2._Match], _Found | None]]:
    """A regex of :mod:`~otel_vector.redact.contexts` and what decides on its matches."""
    regex = latin1(row.regex, ignore_case=True)
    groups = dict(regex.groupindex)
    values = [groups[name] for name in _VALUES if name in groups]

    def judge(match: re2._Match) -> _Found | None:
        number = next(number for number in values if match.start(number) >= 0)
        start, end = match.span(number)
        value = match.string[start:end]
        if TextRules.keeps(value) or (row.check is not None and not row.check(value)):
            return None
        kind = _kind(match, groups, keys) if b"name" in groups else row.kind
        if kind is None:
            return None
        if number == groups.get(b"bare") and not is_assigned(
            kind, match.group(groups[b"op"]), match.group(groups[b"gap"]), value
        ):
            return None
        return kind, start, end

    return regex, judge


def _kind(match: re2._Match, groups: dict[bytes, int], keys: KeyRules) -> str | None:
    return keys.kind(match.group(groups[b"name"]).decode("utf-8", "replace"))
