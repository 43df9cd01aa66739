"""Captured arguments and results as span attributes.

Values are canonical text. What is longer than the limit is cut: the attribute then ends in a mark
that says by how much, and the digest of the whole text stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.util.types import AttributeValue

from otel_vector.canonical.digest import digest_of, digester
from otel_vector.canonical.encode import text_of

if TYPE_CHECKING:
    from hashlib import blake2b

__all__ = ["Captured", "Chunks", "inputs_of", "output_of", "selected_of"]

Captured = dict[str, AttributeValue]

_JSON: Final = "application/json"
_LOW, _HIGH = -(1 << 63), (1 << 63) - 1
"""What an integer attribute can be."""


class Chunks:
    """Collects what a stream gives, as one value.

    Texts that follow each other are one text. A stream of texts is the text they make; any other
    is the list of what it gave. The first `limit_chars` characters are kept, of the rest no more
    than their number and the digest of the whole, which is that of the text there would be
    without a limit.

    Args:
        limit_chars: characters of text that are kept; None for all.
    """

    __slots__ = ("_as_list", "_as_text", "_chars", "_count", "_kept", "_limit", "_open", "_parts")

    def __init__(self, limit_chars: int | None) -> None:
        self._limit = limit_chars
        self._count = 0
        self._parts = 0
        self._open = False
        """Whether the last part is a text that the next chunk can go on with."""
        self._kept: list[str] = []
        self._chars = 0
        self._as_text: blake2b | None = None
        self._as_list: blake2b | None = None
        """Digests of what the text is so far, once not all of it is kept."""

    def add(self, chunk: Any) -> None:
        """Take one chunk, as it is now."""
        self._count += 1
        text = text_of(chunk)
        if type(chunk) is str and text[0] == '"':
            self._put(text[1:-1] if self._open else self._between() + text[:-1])
            self._open = True
            return
        self._put(self._between() + text)
        self._open = False

    def attributes(self) -> Captured:
        """Return `output.value` and what goes with it, for what came so far."""
        begin, end = ("", '"') if self._is_text else ("[", '"]' if self._open else "]")
        chars = len(begin) + self._chars + len(end)
        kept = "".join((begin, *self._kept, end))
        found: Captured = {"otel_vector.output.chunks": self._count, "output.mime_type": _JSON}
        if self._limit is None or chars <= self._limit:
            return {**found, "output.value": kept}
        return {
            **found,
            "output.value": _marked(kept[: self._limit], chars),
            "otel_vector.output.truncated": True,
            "otel_vector.output.digest": self._digest(kept, end),
        }

    @property
    def _is_text(self) -> bool:
        return self._parts == 1 and self._open

    def _between(self) -> str:
        """What comes before a part that is not the last one's continuation."""
        self._parts += 1
        if self._parts == 1:
            return ""
        self._as_text = None
        return '",' if self._open else ","

    def _put(self, text: str) -> None:
        self._chars += len(text)
        if self._as_list is not None:
            raw = text.encode()
            self._as_list.update(raw)
            if self._as_text is not None:
                self._as_text.update(raw)
            return
        self._kept.append(text)
        if self._limit is not None and self._chars > self._limit:
            self._keep_no_more(self._limit)

    def _keep_no_more(self, limit_chars: int) -> None:
        whole = "".join(self._kept)
        self._kept = [whole[:limit_chars]]
        self._as_list = digester("[" + whole)
        # Only a text can still turn out to be the whole value.
        self._as_text = digester(whole) if whole.startswith('"') and self._parts == 1 else None

    def _digest(self, kept: str, end: str) -> str:
        so_far = self._as_text if self._is_text else self._as_list
        if so_far is None:
            return digest_of(kept)
        whole = so_far.copy()
        whole.update(end.encode())
        return whole.hexdigest()


def inputs_of(arguments: Mapping[str, object], limit_chars: int | None) -> Captured:
    """Return `input.value` and what goes with it.

    Args:
        arguments: by parameter name.
        limit_chars: characters of text that are kept; None for all.
    """
    text = text_of(arguments)
    if limit_chars is None or len(text) <= limit_chars:
        return {"input.value": text, "input.mime_type": _JSON}
    return _cut("input", text, limit_chars)


def output_of(value: Any, limit_chars: int | None) -> Captured:
    """Return `output.value` and what goes with it.

    Args:
        value: what a function returned; a stream is not read, see `Chunks`.
        limit_chars: characters of text that are kept; None for all.
    """
    text = text_of(value)
    if limit_chars is None or len(text) <= limit_chars:
        return {"output.value": text, "output.mime_type": _JSON}
    return _cut("output", text, limit_chars)


def selected_of(
    arguments: Mapping[str, object], names: Iterable[str], limit_chars: int | None = None
) -> Captured:
    """Return `otel_vector.argument.<name>` for each of the names that the call has.

    Args:
        arguments: by parameter name.
        names: which of them; others are left out.
        limit_chars: characters of a text that are kept; None for all.
    """
    return {
        f"otel_vector.argument.{name}": _attribute(arguments[name], limit_chars)
        for name in names
        if name in arguments
    }


def _marked(kept: str, chars: int) -> str:
    """Return the kept beginning of a text, with the mark that says how much is missing.

    Args:
        kept: the beginning.
        chars: characters of the whole text.
    """
    return f"{kept}…[cut: {chars - len(kept):,} characters]"


def _cut(side: str, text: str, limit_chars: int) -> Captured:
    return {
        f"{side}.value": _marked(text[:limit_chars], len(text)),
        f"{side}.mime_type": _JSON,
        f"otel_vector.{side}.truncated": True,
        f"otel_vector.{side}.digest": digest_of(text),
    }


def _attribute(value: object, limit_chars: int | None) -> AttributeValue:
    """A value as it is if attributes have its type, else its text."""
    cls = type(value)
    if cls is bool or cls is float:
        return value  # type: ignore[return-value]
    if cls is int and isinstance(value, int) and _LOW <= value <= _HIGH:
        return value
    text = value if cls is str and isinstance(value, str) and _is_utf8(value) else text_of(value)
    if limit_chars is None or len(text) <= limit_chars:
        return text
    return _marked(text[:limit_chars], len(text))


def _is_utf8(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
