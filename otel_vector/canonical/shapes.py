"""Trees of instances of an application's own classes, if these are of a kind that can come back.

Nothing is called: fields are read from where the instance keeps them. A property or `__getattr__`
of the class does not run, and neither does its `__iter__` or `__getitem__`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from types import MappingProxyType, MemberDescriptorType
from typing import Any, Final

from otel_vector.canonical.names import is_pure, member_of, mro_of, namespace_of, type_name
from otel_vector.canonical.opaque import opaque_tree
from otel_vector.canonical.tags import TAG, Handler, Tree, Walker

__all__ = [
    "BASES",
    "base_of",
    "dataclass_fields",
    "is_model",
    "is_named_tuple",
    "model_fields",
    "shape_of",
]

BASES: Final[Mapping[type, Callable[[Any], Any]]] = MappingProxyType(
    {
        str: str.__str__,
        int: int.__index__,
        float: float.__pos__,
        bytes: lambda value: bytes.__getitem__(value, slice(None)),
        bytearray: lambda value: bytearray(bytearray.__getitem__(value, slice(None))),
        list: lambda value: list.__getitem__(value, slice(None)),
        tuple: lambda value: tuple.__getitem__(value, slice(None)),
        dict: lambda value: dict(dict.items(value)),
        set: lambda value: set().union(set.__iter__(value)),
        frozenset: lambda value: frozenset(frozenset.__iter__(value)),
    }
)
"""Built-in classes to inherit from, and how an instance's content is read past its own class."""


def shape_of(cls: type) -> Handler | None:
    """Return what makes trees of a class's instances; None for a class of no known kind."""
    if Enum in mro_of(cls):
        return _enum
    if is_model(cls):
        return _model
    if dataclass_fields(cls) is not None:
        return _dataclass
    if BaseException in mro_of(cls):
        return _exception
    if is_named_tuple(cls):
        return _named_tuple
    return None if base_of(cls) is None else _subclass


def dataclass_fields(cls: type) -> tuple[str, ...] | None:
    """Return the names of a dataclass's fields; None for any other class."""
    found = member_of(cls, "__dataclass_fields__")
    if type(found) is not dict or not is_pure(cls):
        return None
    from dataclasses import fields

    return tuple(field.name for field in fields(cls))


def is_model(cls: type) -> bool:
    """Return whether a class is a pydantic model (version 2)."""
    module = sys.modules.get("pydantic.main")
    base = None if module is None else vars(module).get("BaseModel")
    return base is not None and base in mro_of(cls) and is_pure(cls)


def model_fields(cls: type) -> tuple[str, ...]:
    """Return the names of a pydantic model's fields."""
    for base in mro_of(cls):
        for name in ("__pydantic_fields__", "model_fields"):
            found = namespace_of(base).get(name)
            if type(found) is dict:
                return tuple(found)
    return ()


def is_named_tuple(cls: type) -> bool:
    """Return whether a class is a named tuple without further state."""
    fields = member_of(cls, "_fields")
    named = type(fields) is tuple and all(type(name) is str for name in fields)
    return named and base_of(cls) is tuple


def base_of(cls: type) -> type | None:
    """Return the built-in class that one inherits its content from; None for other classes."""
    for base in mro_of(cls)[1:]:
        if base in BASES:
            return base if is_pure(cls, beside=base) and not _has_hidden_parts(cls) else None
    return None


def _has_hidden_parts(cls: type) -> bool:
    """Return whether instances keep more than their content and their `__dict__`."""
    if member_of(cls, "n_sequence_fields") is not None:
        return True
    return any(
        type(member) is MemberDescriptorType
        for base in mro_of(cls)
        for member in namespace_of(base).values()
    )


def _state(value: Any) -> dict[str, Any]:
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict else {}


def _fields(walker: Walker, value: Any, names: Iterable[str]) -> dict[str, Tree]:
    """Trees of an instance's fields, but of those that its class alone has or nobody."""
    state, cls, found = _state(value), type(value), {}
    for name in names:
        if name in state:
            found[name] = walker.tree(state[name])
            continue
        member = member_of(cls, name)
        if type(member) is MemberDescriptorType:
            try:
                found[name] = walker.tree(member.__get__(value))
            except AttributeError:
                continue
    return found


def _enum(walker: Walker, value: Any) -> Tree:
    state, cls = _state(value), type(value)
    name = state.get("_name_")
    if type(name) is str and name in (member_of(cls, "_member_map_") or ()):
        return {TAG: "enum", "type": type_name(cls), "v": walker.tree(name)}
    return {TAG: "flag", "type": type_name(cls), "v": walker.tree(state["_value_"])}


def _dataclass(walker: Walker, value: Any) -> Tree:
    cls = type(value)
    fields = _fields(walker, value, dataclass_fields(cls) or ())
    return {TAG: "dataclass", "type": type_name(cls), "v": fields}


def _model(walker: Walker, value: Any) -> Tree:
    """A pydantic model: its fields, and what else it has of them."""
    cls = type(value)
    names = model_fields(cls)
    inner = _fields(
        walker, value, ("__pydantic_extra__", "__pydantic_private__", "__pydantic_fields_set__")
    )
    given = inner.get("__pydantic_fields_set__", {}).get("v", [])
    tree = {TAG: "pydantic", "type": type_name(cls), "v": _fields(walker, value, names)}
    if inner.get("__pydantic_extra__") is not None:
        tree["extra"] = inner["__pydantic_extra__"]
    if inner.get("__pydantic_private__") is not None:
        tree["private"] = inner["__pydantic_private__"]
    if set(given) != set(names):
        tree["given"] = inner["__pydantic_fields_set__"]
    return tree


def _exception(walker: Walker, value: BaseException) -> Tree:
    args = BaseException.__dict__["args"].__get__(value)
    return {TAG: "exception", "type": type_name(type(value)), "v": [walker.tree(a) for a in args]}


def _named_tuple(walker: Walker, value: tuple[Any, ...]) -> Tree:
    cls = type(value)
    names, parts = member_of(cls, "_fields"), BASES[tuple](value)
    if len(names) != len(parts) or _state(value):
        return opaque_tree(value)
    fields = {name: walker.tree(part) for name, part in zip(names, parts, strict=True)}
    return {TAG: "namedtuple", "type": type_name(cls), "v": fields}


def _subclass(walker: Walker, value: Any) -> Tree:
    cls = type(value)
    base = base_of(cls)
    if base is None:
        return opaque_tree(value)
    tree = {TAG: "subclass", "type": type_name(cls), "v": walker.tree(BASES[base](value))}
    state = _state(value)
    return {**tree, "state": walker.tree(dict(state))} if state else tree
