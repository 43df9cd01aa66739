"""Instances of an application's classes from what a tree has of them, without calling the class.

Each gives `Unresolved` if the class is not loaded, is of another kind, or has changed since: what
is not there cannot be guessed, and nothing is imported to find it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, EnumType, Flag
from types import MappingProxyType, MemberDescriptorType
from typing import Any, Final

from otel_vector.canonical.names import class_named, is_made_here, member_of, mro_of
from otel_vector.canonical.shapes import (
    base_of,
    dataclass_fields,
    is_model,
    is_named_tuple,
    model_fields,
)
from otel_vector.canonical.tags import Tree
from otel_vector.canonical.values import Unresolved

__all__ = ["REBUILDERS", "Rebuilder"]

_CONTENT_AT_BIRTH: Final = frozenset({str, int, float, bytes, tuple, frozenset})
"""Built-in classes whose content is fixed when an instance is made."""
_READING: Final = (BaseExceptionGroup, OSError, SyntaxError, UnicodeError)
"""Built-in exceptions that look into what they are given."""

Rebuilder = Callable[[Mapping[str, Tree], Callable[[Tree], Any]], Any]
"""Takes a tagged object and what decodes its parts; any exception means that it is malformed."""


def _class(name: str) -> type | None:
    """Return the class of a name; none that runs code when an instance of it goes."""
    cls = class_named(name)
    return None if cls is None or member_of(cls, "__del__") is not None else cls


def _enum(tree: Mapping[str, Tree], read: Callable[[Tree], Any]) -> Any:
    name, member = tree["type"], read(tree["v"])
    cls = class_named(name)
    members = None if cls is None or Enum not in mro_of(cls) else member_of(cls, "_member_map_")
    return members[member] if members and member in members else Unresolved(name, {"name": member})


def _flag(tree: Mapping[str, Tree], read: Callable[[Tree], Any]) -> Any:
    """A combination of flags; its class makes it, if it does so in the usual way."""
    name, value = tree["type"], read(tree["v"])
    cls = class_named(name)
    if cls is None or type(value) is not int or not _combines_as_usual(cls):
        return Unresolved(name, {"value": value})
    try:
        return cls(value)
    except ValueError:
        return Unresolved(name, {"value": value})


def _combines_as_usual(cls: type) -> bool:
    return (
        Flag in mro_of(cls)
        and member_of(cls, "_missing_") is Flag.__dict__["_missing_"]
        and member_of(type(cls), "__call__") is EnumType.__dict__["__call__"]
    )


def _dataclass(tree: Mapping[str, Tree], read: Callable[[Tree], Any]) -> Any:
    name, fields = tree["type"], _fields(tree, read)
    cls = _class(name)
    if cls is None or not _fits(cls, fields):
        return Unresolved(name, fields)
    return _filled(object.__new__(cls), fields)


def _fits(cls: type, fields: Mapping[str, Any]) -> bool:
    """Return whether a class is a dataclass of these fields, or has defaults for the others."""
    known = dataclass_fields(cls)
    if known is None or not set(known) >= set(fields):
        return False
    return all(name in fields or _has_default(cls, name) for name in known)


def _has_default(cls: type, name: str) -> bool:
    missing = object()
    return type(member_of(cls, name, missing)) not in {MemberDescriptorType, object}


def _model(tree: Mapping[str, Tree], read: Callable[[Tree], Any]) -> Any:
    name, fields = tree["type"], _fields(tree, read)
    cls = _class(name)
    if cls is None or not is_model(cls) or set(model_fields(cls)) != set(fields):
        return Unresolved(name, fields)
    inner = {
        "__pydantic_extra__": read(tree.get("extra")),
        "__pydantic_private__": read(tree.get("private")),
        "__pydantic_fields_set__": set(read(tree["given"]) if "given" in tree else fields),
    }
    return _filled(_filled(object.__new__(cls), fields), inner)


def _exception(tree: Mapping[str, Tree], read: Callable[[Tree], Any]) -> Any:
    name, args = tree["type"], tuple(read(part) for part in tree["v"])
    cls = _class(name)
    if cls is None or BaseException not in mro_of(cls):
        return Unresolved(name, {"args": args})
    native = next(base for base in mro_of(cls) if not is_made_here(base))
    if issubclass(native, _READING) and any(is_made_here(type(part)) for part in args):
        return Unresolved(name, {"args": args})
    try:
        made = native.__new__(cls, *args)
        native.__init__(made, *args)  # type: ignore[misc]
    except Exception:  # noqa: BLE001 -- a built-in class that does not take these
        return Unresolved(name, {"args": args})
    kept = BaseException.__dict__["args"].__get__(made)
    return (
        made if type(made) is cls and len(kept) == len(args) else Unresolved(name, {"args": args})
    )


def _named_tuple(tree: Mapping[str, Tree], read: Callable[[Tree], Any]) -> Any:
    name, fields = tree["type"], _fields(tree, read)
    cls = _class(name)
    names = member_of(cls, "_fields") if cls is not None and is_named_tuple(cls) else None
    if cls is None or names is None or set(names) != set(fields):
        return Unresolved(name, fields)
    return tuple.__new__(cls, [fields[each] for each in names])


def _subclass(tree: Mapping[str, Tree], read: Callable[[Tree], Any]) -> Any:
    name, content, state = tree["type"], read(tree["v"]), read(tree.get("state", {}))
    cls = _class(name)
    base = None if cls is None else base_of(cls)
    if cls is None or base is None or type(content) is not base or type(state) is not dict:
        return Unresolved(name, {"value": content, **dict(state)})
    if base in _CONTENT_AT_BIRTH:
        return _filled(base.__new__(cls, content), state)
    made = base.__new__(cls)  # type: ignore[call-overload]
    base.__init__(made, content)
    return _filled(made, state)


def _fields(tree: Mapping[str, Tree], read: Callable[[Tree], Any]) -> dict[str, Any]:
    return {name: read(part) for name, part in tree["v"].items()}


def _filled(made: Any, fields: Mapping[str, Any]) -> Any:
    """Give an instance its fields, past whatever its class does when they are set."""
    for name, part in fields.items():
        member = member_of(type(made), name)
        if type(member) is MemberDescriptorType:
            member.__set__(made, part)
        else:
            object.__getattribute__(made, "__dict__")[name] = part
    return made


REBUILDERS: Final[Mapping[str, Rebuilder]] = MappingProxyType(
    {
        "enum": _enum,
        "flag": _flag,
        "dataclass": _dataclass,
        "pydantic": _model,
        "exception": _exception,
        "namedtuple": _named_tuple,
        "subclass": _subclass,
    }
)
"""By tag, what makes the value."""
