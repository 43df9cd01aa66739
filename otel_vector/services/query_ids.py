"""Which bare words of a question are identifiers, and so are matched exactly.

An identifier means nothing to an embedding model, and whoever types one wants that one and no
other. The rules err on the side of words: `p95`, `http2`, `gpt-4o`, `200ms`, `10k` and dates
stay words, and whoever wants them exactly puts them in quotes.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["exact_text"]

_TRAILING: Final = ".,;:!?"
_BRACKETS: Final = {"(": ")", "[": "]", "{": "}", "<": ">", "'": "'", "`": "`"}
_UUID_OR_HEX: Final = re.compile(
    r"[0-9a-fA-F]{32}|[0-9a-fA-F]{16}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)
_URL_OR_EMAIL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+|[^\s@]+@[^\s@]+\.[A-Za-z]{2,}")
_ADDRESS: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]{1,5})?")
_LONG_NUMBER: Final = re.compile(r"[0-9]{6,}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}(?:-[0-9]{2}(?:T\S*)?)?")
_QUANTITY: Final = re.compile(r"[+-]?[0-9][0-9_,]*(?:\.[0-9]+)?(?:[A-Za-zµ%]{1,4})?")
_PIECES: Final = re.compile(r"[#@]?[^\W_]+(?:[-_./:#@][^\W_]+)*")
_MIXED: Final = re.compile(r"[^\W\d_]")
_TURNS: Final = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_JOINED_NUMBER: Final = re.compile(r"[-_./:#@][0-9]{3,}")
_MIN_DIGITS: Final = 4
_MIN_TURNS: Final = 3
_MIN_TURNING_CHARS: Final = 6


def exact_text(word: str) -> str | None:
    """Return what of a bare word is matched exactly, or None if it is an ordinary word.

    Brackets around it and punctuation behind it do not belong to an identifier.
    """
    text = word.rstrip(_TRAILING)
    while text and _BRACKETS.get(text[0]) == text[-1] and len(text) > 1:
        text = text[1:-1].rstrip(_TRAILING)
    return text if _is_identifier(text) else None


def _is_identifier(text: str) -> bool:
    if _UUID_OR_HEX.fullmatch(text):
        return any(c.isdigit() for c in text)
    if any(p.fullmatch(text) for p in (_URL_OR_EMAIL, _ADDRESS, _LONG_NUMBER)):
        return True
    if _DATE.fullmatch(text) or _QUANTITY.fullmatch(text) or not _PIECES.fullmatch(text):
        return False
    return _mixes_enough(text)


def _mixes_enough(text: str) -> bool:
    """Four digits beside a letter, a number of three joined on, or letters and digits in turns."""
    if not _MIXED.search(text):
        return False
    if sum(c.isdigit() for c in text) >= _MIN_DIGITS or _JOINED_NUMBER.search(text):
        return True
    longest = max(re.split(r"[-_./:#@]", text), key=len)
    return len(longest) >= _MIN_TURNING_CHARS and len(_TURNS.findall(longest)) >= _MIN_TURNS
