"""Holds values to annotations: what a TypedDict, a union, a list says is what there is."""

from __future__ import annotations

import types
import typing
from typing import Any

_PLAIN = (bool, int, float, str, bytes, type(None))


def misfits(value: Any, hint: Any, place: str = "answer") -> list[str]:
    """Return where a value is not what an annotation says; nothing if it is."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return []
    if origin in {typing.Union, types.UnionType}:
        tried = [misfits(value, one, place) for one in arguments]
        return min(tried, key=len) if all(tried) else []
    if origin is typing.Literal:
        return [] if value in arguments else [f"{place}: {value!r} is none of {arguments}"]
    if typing.is_typeddict(hint):
        return _of_fields(value, hint, place)
    if origin in {list, dict}:
        return _of_kind(value, origin, place) or _of_items(value, arguments[-1], place)
    assert hint in _PLAIN, hint
    return _of_kind(value, (int, float) if hint is float else hint, place)


def _of_items(value: Any, hint: Any, place: str) -> list[str]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    return [fault for name, one in pairs for fault in misfits(one, hint, f"{place}.{name}")]


def _of_fields(value: Any, hint: Any, place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place}: {value!r} is no object"]
    hints = typing.get_type_hints(hint, include_extras=True)
    faults = [f"{place}.{name} is not foreseen" for name in value.keys() - hints.keys()]
    for name, one in hints.items():
        optional = typing.get_origin(one) is typing.NotRequired
        if name in value:
            inner = typing.get_args(one)[0] if optional else one
            faults += misfits(value[name], inner, f"{place}.{name}")
        elif not optional:
            faults.append(f"{place}.{name} is missing")
    return faults


def _of_kind(value: Any, kind: Any, place: str) -> list[str]:
    fits = isinstance(value, kind) and (not isinstance(value, bool) or kind is bool)
    return [] if fits else [f"{place}: {value!r} is no {kind}"]
