"""The functions of a module, and the places they are called from.

A place is a name in a module or in a class: a function, a static or a class method. It is told
apart by where its function was *defined*, so that what a module imports, inherits or is handed by
a decorator is not taken for its own. Nothing is looked up by `getattr`: descriptors, lazy
attributes and lazy modules stay asleep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any, TypeGuard

__all__ = ["Place", "contents_of", "places_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a function is held.

    Attributes:
        owner: the module or class.
        name: under which the owner holds it.
        held: what it holds: the function, or the static or class method around it.
        function: the function.
    """

    owner: ModuleType | type
    name: str
    held: Any
    function: FunctionType

    @property
    def is_plain(self) -> bool:
        """Whether it is a function with a body to trace, as it was written."""
        if hasattr(self.function, "__wrapped__"):
            return False
        is_abstract = getattr(self.function, "__isabstractmethod__", False)
        return not is_abstract and not _is_protocol(self.owner)

    @property
    def is_held(self) -> bool:
        """Whether the owner still holds it."""
        return contents_of(self.owner).get(self.name) is self.held

    def holding(self, function: Any) -> Any:
        """Return what the owner would hold with another function."""
        return function if self.held is self.function else type(self.held)(function)

    def put(self, held: Any) -> None:
        """Let the owner hold something else, past what its class makes of an assignment."""
        if _is_class(self.owner):
            type.__setattr__(self.owner, self.name, held)
        else:
            contents = object.__getattribute__(self.owner, "__dict__")
            contents[self.name] = held


def contents_of(owner: ModuleType | type) -> Mapping[str, Any]:
    """Return what a module or class itself holds, waking nothing."""
    if _is_class(owner):
        return type.__dict__["__dict__"].__get__(owner)  # type: ignore[no-any-return]
    return object.__getattribute__(owner, "__dict__")  # type: ignore[no-any-return]


def places_of(module: ModuleType) -> Iterator[Place]:
    """Yield the places of a module and of its classes whose functions it defines."""
    name = contents_of(module).get("__name__", "")
    yield from _places(module, name, set())


def _places(owner: ModuleType | type, module: str, seen: set[int]) -> Iterator[Place]:
    for name, held in list(contents_of(owner).items()):
        if _is_class(held):
            if id(held) not in seen and contents_of(held).get("__module__") == module:
                seen.add(id(held))
                yield from _places(held, module, seen)
            continue
        function = _function_of(held)
        if function is not None and _is_named(function, module):
            yield Place(owner, name, held, function)


def _function_of(held: Any) -> FunctionType | None:
    """Return the function that is held; None for whatever else, subclasses included."""
    if type(held) in {staticmethod, classmethod}:
        held = held.__func__
    return held if type(held) is FunctionType else None


def _is_named(function: FunctionType, module: str) -> bool:
    return function.__module__ == module and "<" not in function.__qualname__


def _is_protocol(owner: ModuleType | type) -> bool:
    return _is_class(owner) and contents_of(owner).get("_is_protocol") is True


def _is_class(value: Any) -> TypeGuard[type]:
    """Return whether something is a class, without asking it: a lazy module would wake up."""
    return issubclass(type(value), type)
