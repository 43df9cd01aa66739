"""Any JSON value as indented lines that people read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from otel_vector_collector.cli.console import printable
from otel_vector_collector.units import duration, moment

__all__ = ["lines"]

_STEP: Final = "  "
_UNIX_NANO: Final = "_unix_nano"
_NANO: Final = ("_nano", "_ns")
_SCALARS: Final = frozenset({"stringValue", "boolValue", "intValue", "doubleValue", "bytesValue"})


def lines(value: Any, indent: str = "") -> Iterator[str]:
    """Yield a value line by line; empty parts are left out, long text keeps its lines."""
    value = _plain(value)
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if inner not in (None, "", [], {}):
                yield from _named(str(name), _plain(inner), indent)
    elif isinstance(value, list):
        for inner in value:
            yield from _item(inner, indent)
    else:
        yield from (indent + line for line in _text(value))


def _plain(value: Any) -> Any:
    """Return OTLP JSON as people write it: a list of keys and values as a map, a value bare."""
    if isinstance(value, list) and value and all(map(_is_pair, value)):
        return {pair["key"]: pair.get("value", "") for pair in value}
    if isinstance(value, Mapping) and len(value) == 1:
        ((kind, inner),) = value.items()
        if kind in {"arrayValue", "kvlistValue"}:
            return _plain(inner.get("values", []))
        if kind in _SCALARS:
            return inner
    return value


def _is_pair(value: Any) -> bool:
    return isinstance(value, Mapping) and "key" in value and value.keys() <= {"key", "value"}


def _named(name: str, value: Any, indent: str) -> Iterator[str]:
    label = indent + printable(name) + ":"
    if isinstance(value, Mapping | list):
        yield label
        yield from lines(value, indent + _STEP)
        return
    text = _text(_readable(name, value))
    if len(text) == 1:
        yield f"{label} {text[0]}"
        return
    yield label
    yield from (indent + _STEP + line for line in text)


def _item(value: Any, indent: str) -> Iterator[str]:
    inner = list(lines(value, indent + _STEP))
    if inner:
        yield f"{indent}- {inner[0].removeprefix(indent + _STEP)}"
        yield from inner[1:]


def _readable(name: str, value: Any) -> Any:
    """Return a time or a duration in words beside its number."""
    digits = str(value)
    if not digits.isdecimal():
        return value
    if name.endswith(_UNIX_NANO):
        return f"{moment(int(digits))} ({digits})" if int(digits) else digits
    if name.endswith(_NANO):
        return f"{duration(int(digits))} ({digits})"
    return value


def _text(value: Any) -> list[str]:
    if isinstance(value, bool):
        return [str(value).lower()]
    return printable(value, lines=True).split("\n")
