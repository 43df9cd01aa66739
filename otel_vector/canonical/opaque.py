"""What stands for a value that has no text of its own: its type, and what it says of itself.

`repr` is asked only of what is no container, stream, connection, lock or the like: theirs may
read, wait, be without bound, or tell what changes from call to call. Addresses are taken out, so
that the same call has the same text.
"""

from __future__ import annotations

import re
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final

from otel_vector.canonical.names import member_of, mro_of, type_name
from otel_vector.canonical.tags import TAG, Tree

__all__ = ["opaque_tree"]

_MOST_CHARS: Final = 200
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]+")
_SILENT: Final = (
    "__iter__", "__next__", "__aiter__", "__anext__", "__await__", "__len__", "__getitem__",
    "__enter__", "__aenter__", "read", "recv", "fileno", "acquire", "connect", "close", "start",
)  # fmt: skip
"""Members of those whose `repr` is not asked for."""


def opaque_tree(value: Any, why: str = "") -> Tree:
    """Return the tree of an opaque value.

    Args:
        value: never read but by `repr`, and only if there is no reason given.
        why: why it is opaque although its type is not.
    """
    cls = type(value)
    name = type_name(cls)
    text = f"<{why}>" if why else _text(value, cls) or f"<{name}>"
    return {TAG: "opaque", "type": name, "v": text}


def _text(value: Any, cls: type) -> str:
    try:
        if type in mro_of(cls):
            return type_name(value)
        if cls is ModuleType:
            return str(object.__getattribute__(value, "__name__"))
        if cls in {FunctionType, BuiltinFunctionType, MethodType}:
            return f"{value.__module__}.{value.__qualname__}"
        if _is_silent(cls):
            return ""
        return _cleaned(repr(value))
    except (Exception, SystemExit, GeneratorExit):  # noqa: BLE001 -- the application's `__repr__`
        return ""


def _is_silent(cls: type) -> bool:
    """Return whether an object says nothing of itself, or must not be asked."""
    if member_of(cls, "__repr__") is object.__dict__["__repr__"]:
        return True
    return any(member_of(cls, name) is not None for name in _SILENT)


def _cleaned(text: str) -> str:
    plain = str.__getitem__(text, slice(0, 2 * _MOST_CHARS))
    plain = _ADDRESS.sub("0x…", plain).encode("utf-8", "backslashreplace").decode()
    return plain if len(plain) <= _MOST_CHARS else plain[: _MOST_CHARS - 1] + "…"
