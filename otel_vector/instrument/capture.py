"""Captured arguments and results as span attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.util.types import AttributeValue

from otel_vector.canonical.digest import digest_of
from otel_vector.canonical.encode import text_of

__all__ = ["Captured", "Chunks", "inputs_of", "output_of", "selected_of"]

Captured = dict[str, AttributeValue]


def inputs_of(arguments: Mapping[str, object], limit_chars: int | None) -> Captured:
    """Return `input.value` and what goes with it."""
    return _captured("input", text_of(arguments), limit_chars)


def output_of(value: Any, limit_chars: int | None) -> Captured:
    """Return `output.value` and what goes with it."""
    return _captured("output", text_of(value), limit_chars)


def selected_of(arguments: Mapping[str, object], names: Iterable[str]) -> Captured:
    """Return `otel_vector.argument.<name>` for each of the names that the call has."""
    return {
        f"otel_vector.argument.{name}": _native(arguments[name])
        for name in names
        if name in arguments
    }


class Chunks:
    """Collects what a stream gives."""

    def __init__(self, limit_chars: int | None) -> None:
        self._limit_chars = limit_chars
        self._chunks: list[Any] = []

    def add(self, chunk: Any) -> None:
        """Take one chunk."""
        self._chunks.append(chunk)

    def attributes(self) -> Captured:
        """Return `output.value` and what goes with it."""
        whole: Any = self._chunks
        if whole and all(type(chunk) is str for chunk in whole):
            whole = "".join(whole)
        count = {"otel_vector.output.chunks": len(self._chunks)}
        return output_of(whole, self._limit_chars) | count


def _captured(side: str, text: str, limit_chars: int | None) -> Captured:
    found: Captured = {f"{side}.value": text, f"{side}.mime_type": "application/json"}
    if limit_chars is not None and len(text) > limit_chars:
        found[f"{side}.value"] = (
            f"{text[:limit_chars]}…[cut: {len(text) - limit_chars:,} characters]"
        )
        found[f"otel_vector.{side}.truncated"] = True
        found[f"otel_vector.{side}.digest"] = digest_of(text)
    return found


def _native(value: object) -> AttributeValue:
    return value if isinstance(value, str | bool | int | float) else text_of(value)
