"""The texts found in one span, by facet, in order."""

from __future__ import annotations

import re
from typing import Final

from otel_vector.spans.markers import without_digests
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
    """Texts by facet, and of the input those that are new.

    A chat model is sent the whole conversation each time. What the user said last and what
    came back from tools since then is the input of this call; earlier turns are the input and
    output of earlier calls.
    """

    def __init__(self) -> None:
        self._texts: dict[Facet, list[str]] = {}
        self._roles = list[str]()  # of the texts of the input

    def add(self, facet: Facet, text: str, role: str = "") -> None:
        """Add one text; empty ones are left out."""
        text = readable(text)
        texts = self._texts.setdefault(facet, [])
        if not text:
            return
        if len(texts) == _MOST:
            self._drop_oldest(facet)
        texts.append(text)
        if facet is Facet.INPUT:
            self._roles.append(role)

    def by_facet(self) -> dict[Facet, list[str]]:
        """Return the distinct texts of each facet, in order."""
        found = {facet: list(texts) for facet, texts in self._texts.items() if texts}
        if "user" in self._roles:
            found[Facet.INPUT] = [found[Facet.INPUT][n] for n in _new(self._roles)]
        return {facet: list(dict.fromkeys(texts)) for facet, texts in found.items()}

    def _drop_oldest(self, facet: Facet) -> None:
        del self._texts[facet][0]
        if facet is Facet.INPUT:
            del self._roles[0]


def _new(roles: list[str]) -> list[int]:
    """Return the positions of what the user said last and of what followed the last answer."""
    last = len(roles) - 1 - roles[::-1].index("user")
    first = last
    while first and roles[first - 1] == "user":
        first -= 1
    answers = [position for position, role in enumerate(roles) if role == "assistant"]
    since = max([last, *answers]) + 1
    return [*range(first, last + 1), *range(since, len(roles))]


def readable(text: str) -> str:
    """Return a text without binary content, digests of secrets and surrounding space.

    Binary content is replaced by its type and size.
    """
    text = without_digests(text[:LONGEST_VALUE])
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
