"""Long text in passages, cut where a paragraph, a line, a sentence or a word ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

__all__ = ["passages_of"]

_BORDERS: Final = ("\n\n", "\n", ". ", "! ", "? ", "; ", " ")
_LEAST: Final = 0.5  # of a passage: a border before that would make slivers


def passages_of(text: str, longest: int) -> Iterator[str]:
    """Yield a text in order in pieces of at most `longest` characters, without empty ones."""
    start = 0
    while len(text) - start > longest:
        end = _cut(text, start, start + longest)
        piece = text[start:end].strip()
        if piece:
            yield piece
        start = end
    piece = text[start:].strip()
    if piece:
        yield piece


def _cut(text: str, start: int, end: int) -> int:
    least = start + int((end - start) * _LEAST)
    for border in _BORDERS:
        found = text.rfind(border, least, end)
        if found >= 0:
            return found + len(border)
    return end
