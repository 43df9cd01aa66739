"""Stored text made harmless for whoever looks at it, on a terminal or on a page.

It is somebody else's: control characters in it could move a cursor or end a string, and marks
that reorder text show another name than there is. Such characters are shown by their numbers.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["harmless"]

# C0 but for line feed and tab, DEL, C1, line separators, and what reorders text.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def harmless(text: str) -> str:
    """Return a text without what acts on the place where it is shown; lines and tabs stay."""
    return _UNSAFE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 -- one byte
