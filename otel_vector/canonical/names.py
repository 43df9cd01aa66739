"""Classes and their names, read without running code of the class or of its metaclass."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

__all__ = [
    "bare_name",
    "class_named",
    "is_made_here",
    "is_pure",
    "member_of",
    "mro_of",
    "namespace_of",
    "type_name",
]

_MODULE: Final = type.__dict__["__module__"].__get__
_QUALNAME: Final = type.__dict__["__qualname__"].__get__
_MRO: Final = type.__dict__["__mro__"].__get__
_NAMESPACE: Final = type.__dict__["__dict__"].__get__
_FLAGS: Final = type.__dict__["__flags__"].__get__
_HEAP: Final = 1 << 9
"""Set in the flags of a class that was made by a `class` statement."""


def type_name(cls: type) -> str:
    """Return `package.module.Class` of a class."""
    module = _MODULE(cls)
    name = f"{module}.{_QUALNAME(cls)}" if type(module) is str else str(_QUALNAME(cls))
    return name.encode("utf-8", "backslashreplace").decode()


def bare_name(cls: type) -> str:
    """Return the name of a class as its statement has it."""
    return type_name(cls).rpartition(".")[2]


def mro_of(cls: type) -> tuple[type, ...]:
    """Return a class and what it inherits from, nearest first."""
    found: tuple[type, ...] = _MRO(cls)
    return found


def namespace_of(cls: type) -> Mapping[str, Any]:
    """Return what the class statement itself defined."""
    found: Mapping[str, Any] = _NAMESPACE(cls)
    return found


def member_of(cls: type, name: str, default: Any = None) -> Any:
    """Return what a class has under a name, inherited or its own, unbound; else the default."""
    for base in mro_of(cls):
        namespace = namespace_of(base)
        if name in namespace:
            return namespace[name]
    return default


def is_pure(cls: type, *, beside: type | None = None) -> bool:
    """Return whether a class inherits from classes written in Python alone.

    Args:
        cls: the class.
        beside: the one built-in class that it may have beside `object`.
    """
    return all(base is object or base is beside or is_made_here(base) for base in mro_of(cls))


def is_made_here(cls: type) -> bool:
    """Return whether a class was made by a `class` statement, and is not of the interpreter."""
    return bool(_FLAGS(cls) & _HEAP)


def class_named(name: str) -> type | None:
    """Return the class of a name if its module is loaded and still has it; imports nothing."""
    parts = name.split(".")
    for at in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:at]))
        if module is not None and issubclass(type(module), ModuleType):
            return _within(module, parts[at:], name)
    return None


def _within(module: ModuleType, parts: list[str], name: str) -> type | None:
    namespace: Mapping[str, Any] = object.__getattribute__(module, "__dict__")
    found: Any = None
    for part in parts:
        found = namespace.get(part)
        if type not in mro_of(type(found)):
            return None
        namespace = namespace_of(found)
    return found if type_name(found) == name else None
