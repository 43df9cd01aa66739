"""The texts found in one span, by facet, in the order in which they matter."""

from __future__ import annotations

import re
from typing import Final

from otel_vector.spans.meanings import Facet

__all__ = ["LONGEST_VALUE", "Pieces", "readable", "size_of"]

LONGEST_VALUE: Final = 256 * 1024
"""Characters of one value that are read; the rest stays in its block."""

_MOST: Final = 256  # texts of one facet
_SHORTEST_BINARY: Final = 200
_DATA_URL: Final = re.compile(r"data:([\w.+-]{1,64}/[\w.+-]{1,64})?;base64,([A-Za-z0-9+/=_-]*)")
_BASE64: Final = re.compile(
    rf"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{{{_SHORTEST_BINARY},}}={{0,2}}"
)
_KIB: Final = 1024


class Pieces:
    """Texts by facet; of the input, what the user said last comes first, then newest first."""

    def __init__(self) -> None:
        self._texts: dict[Facet, list[str]] = {}
        self._last_user = -1

    def add(self, facet: Facet, text: str, role: str = "") -> None:
        """Add one text; empty ones are left out."""
        text = readable(text)
        texts = self._texts.setdefault(facet, [])
        if not text or len(texts) >= _MOST:
            return
        texts.append(text)
        if facet is Facet.INPUT and role == "user":
            self._last_user = len(texts) - 1

    def by_facet(self) -> dict[Facet, list[str]]:
        """Return the distinct texts of each facet."""
        found = {facet: list(texts) for facet, texts in self._texts.items() if texts}
        if self._last_user >= 0:
            texts = found[Facet.INPUT]
            last = texts.pop(self._last_user)
            found[Facet.INPUT] = [last, *reversed(texts)]
        return {facet: list(dict.fromkeys(texts)) for facet, texts in found.items()}


def readable(text: str) -> str:
    """Return a text with binary content replaced by its type and size, and stripped."""
    text = text[:LONGEST_VALUE]
    if len(text) > _SHORTEST_BINARY or "data:" in text:
        text = _DATA_URL.sub(_data_size, text)
        text = _BASE64.sub(_run_size, text)
    return text.strip()


def size_of(length: int) -> str:
    """Return a number of bytes for people."""
    return f"{length} bytes" if length < _KIB else f"{length // _KIB} KB"


def _data_size(match: re.Match[str]) -> str:
    return f"[{match[1] or 'binary'}, {size_of(len(match[2]) * 3 // 4)}]"


def _run_size(match: re.Match[str]) -> str:
    run = match[0]
    if run.isalpha() and (run.islower() or run.isupper()):
        return run
    return f"[binary, {size_of(len(run) * 3 // 4)}]"
