"""A question in a user's own words, of which nothing is taken for a condition."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["plain_words"]

_SIGNS: Final = re.compile(r"[^\w\s]|_")
_DIGITS: Final = re.compile(r"(\d+)")
_LONGEST_NUMBER: Final = 5  # digits; a longer one is taken for an identifier
_OPERATORS: Final = frozenset({"AND", "OR", "NOT"})


def plain_words(text: str) -> str:
    """Return a text as words that the query language takes as words.

    Punctuation goes, letters and digits that are joined are parted, long numbers go: records are
    searched by meaning and by words alone.
    """
    words = (_DIGITS.sub(r" \1 ", word) for word in _SIGNS.sub(" ", text).split())
    return " ".join(
        word.lower() if word in _OPERATORS else word
        for word in " ".join(words).split()
        if not (word.isdigit() and len(word) > _LONGEST_NUMBER)
    )
