"""Trees of instances of an application's own classes, if these are of a kind that can come back.

Nothing is called: fields are read from where the instance keeps them. A property or `__getattr__`
of the class does not run, and neither does its `__iter__` or `__getitem__`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import partial
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

Slots = tuple[tuple[str, Any], ...]
"""Names of fields, each with what reads it if the instance keeps it in a slot, else None."""

_MODEL_SLOTS: Final = (
    "__pydantic_extra__",
    "__pydantic_private__",
    "__pydantic_fields_set__",
)

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
    name = type_name(cls)
    if Enum in mro_of(cls):
        return partial(_enum, name)
    if is_model(cls):
        return partial(_model, name, _slots(cls, _MODEL_SLOTS), _slots(cls, model_fields(cls)))
    fields = dataclass_fields(cls)
    if fields is not None:
        return partial(_dataclass, name, _slots(cls, fields))
    if BaseException in mro_of(cls):
        return partial(_exception, name)
    if is_named_tuple(cls):
        return partial(_named_tuple, name, member_of(cls, "_fields"))
    base = base_of(cls)
    return None if base is None else partial(_subclass, name, BASES[base])


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


def _slots(cls: type, names: Iterable[str]) -> Slots:
    found = [(name, member_of(cls, name)) for name in names]
    return tuple((name, m if type(m) is MemberDescriptorType else None) for name, m in found)


def _fields(walker: Walker, value: Any, slots: Slots) -> dict[str, Tree]:
    """Trees of an instance's fields, but of those that its class alone has or nobody."""
    state, found = _state(value), {}
    for name, member in slots:
        if name in state:
            found[name] = walker.tree(state[name])
        elif member is not None:
            try:
                part = member.__get__(value)
            except AttributeError:
                continue
            found[name] = walker.tree(part)
    return found


def _enum(name: str, walker: Walker, value: Any) -> Tree:
    state = _state(value)
    member = state.get("_name_")
    if type(member) is str and member in (member_of(type(value), "_member_map_") or ()):
        return {TAG: "enum", "type": name, "v": walker.tree(member)}
    return {TAG: "flag", "type": name, "v": walker.tree(state["_value_"])}


def _dataclass(name: str, slots: Slots, walker: Walker, value: Any) -> Tree:
    return {TAG: "dataclass", "type": name, "v": _fields(walker, value, slots)}


def _model(name: str, own: Slots, slots: Slots, walker: Walker, value: Any) -> Tree:
    """A pydantic model: its fields, and what else it has of them."""
    inner = _fields(walker, value, own)
    given = inner.get("__pydantic_fields_set__", {}).get("v", [])
    tree = {TAG: "pydantic", "type": name, "v": _fields(walker, value, slots)}
    if inner.get("__pydantic_extra__") is not None:
        tree["extra"] = inner["__pydantic_extra__"]
    if inner.get("__pydantic_private__") is not None:
        tree["private"] = inner["__pydantic_private__"]
    if set(given) != {field for field, _ in slots}:
        tree["given"] = inner["__pydantic_fields_set__"]
    return tree


def _exception(name: str, walker: Walker, value: BaseException) -> Tree:
    args = BaseException.__dict__["args"].__get__(value)
    return {TAG: "exception", "type": name, "v": [walker.tree(part) for part in args]}


def _named_tuple(name: str, names: tuple[str, ...], walker: Walker, value: Any) -> Tree:
    parts = BASES[tuple](value)
    if len(names) != len(parts) or _state(value):
        return opaque_tree(value)
    fields = {field: walker.tree(part) for field, part in zip(names, parts, strict=True)}
    return {TAG: "namedtuple", "type": name, "v": fields}


def _subclass(name: str, content: Callable[[Any], Any], walker: Walker, value: Any) -> Tree:
    tree = {TAG: "subclass", "type": name, "v": walker.tree(content(value))}
    state = _state(value)
    return {**tree, "state": walker.tree(dict(state))} if state else tree
