"""The arguments of a call by parameter name, however the call spells them.

What is known of a function is worked out once, when it is decorated; a call then costs a few
operations on dicts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter
from types import FunctionType
from typing import Any, Final

from otel_vector.canonical.names import mro_of, namespace_of, type_name

__all__ = ["Binder"]

_OWNERS: Final = frozenset({"self", "cls", "mcs", "mcls", "metacls"})
"""What the first parameter of a method is called."""
_ANY: Final = (
    Parameter("args", Parameter.VAR_POSITIONAL),
    Parameter("kwargs", Parameter.VAR_KEYWORD),
)
"""Parameters of what has no signature, as some callables written in C."""


class Binder:
    """Binds the calls of one function.

    Args:
        function: a function as a module or a class statement has it, a static or class method, a
            partial, a class, or another callable. Calls are bound as they reach it: those of a
            bound method come without its instance, those of a partial without what it has already.
    """

    __slots__ = ("_accepted", "_defaults", "_first", "_home", "_names", "_rest", "_rest_named")

    def __init__(self, function: Callable[..., Any]) -> None:
        parameters = _parameters(function)
        self._names = _names(
            parameters, Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD
        )
        self._accepted = frozenset(
            _names(parameters, Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
        )
        self._defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        self._rest = "".join(_names(parameters, Parameter.VAR_POSITIONAL))
        self._rest_named = "".join(_names(parameters, Parameter.VAR_KEYWORD))
        self._first = 0
        self._home = _Home.of(function) if self._names else None
        if isinstance(function, classmethod) or self._is_named_like_a_method(function):
            self._leave_owner_out()

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, object]:
        """Return the arguments by parameter name, defaults applied.

        What `*args` and `**kwargs` take stands under their names, if there is anything. The
        instance or class that a method is called on is left out. A call that does not fit the
        function gives what can be told of it: the function itself is going to refuse it.
        """
        if self._home is not None and args:
            self._settle(self._home, args[0])
        first, names = self._first, self._names
        bound: dict[str, object] = self._defaults.copy()
        bound.update(zip(names[first:], args[first:], strict=False))
        if self._rest and len(args) > len(names):
            bound[self._rest] = args[len(names) :]
        if kwargs:
            self._add_named(bound, kwargs)
        return bound

    def _add_named(self, bound: dict[str, object], kwargs: Mapping[str, Any]) -> None:
        if kwargs.keys() <= self._accepted:
            bound.update(kwargs)
            return
        bound.update((name, value) for name, value in kwargs.items() if name in self._accepted)
        if self._rest_named:
            others = kwargs.keys() - self._accepted
            bound[self._rest_named] = {name: kwargs[name] for name in kwargs if name in others}

    def _is_named_like_a_method(self, function: Any) -> bool:
        may_be = not isinstance(function, staticmethod) and not inspect.ismethod(function)
        return may_be and bool(self._names) and self._names[0] in _OWNERS

    def _settle(self, home: _Home, first: Any) -> None:
        """Find out by the first call whether the first parameter is an instance or class."""
        self._home = None
        if home.owns(first):
            self._leave_owner_out()

    def _leave_owner_out(self) -> None:
        self._home = None
        owner = self._names[0] if self._names else ""
        self._accepted -= {owner}
        self._defaults.pop(owner, None)
        self._first = 1


class _Home:
    """The class whose statement defined a function.

    A method may call its first parameter anything, and what a class statement calls is a function
    like any other until the class is there.
    """

    __slots__ = ("_class", "_name")

    def __init__(self, class_name: str, name: str) -> None:
        self._class = class_name
        self._name = name

    @classmethod
    def of(cls, function: Any) -> _Home | None:
        """Return the home of a plain function; None for one that is of no class."""
        if type(function) is not FunctionType:
            return None
        parent, _, name = function.__qualname__.rpartition(".")
        is_of_class = parent and not parent.endswith("<locals>")
        return cls(f"{function.__module__}.{parent}", name) if is_of_class else None

    def owns(self, first: Any) -> bool:
        """Return whether a call's first argument is what its function is a method of."""
        kind = type(first)
        for base in (*mro_of(kind), *(mro_of(first) if type in mro_of(kind) else ())):
            if type_name(base) == self._class:
                return type(namespace_of(base).get(self._name)) is not staticmethod
        return False


def _parameters(function: Any) -> tuple[Parameter, ...]:
    """Return a function's parameters; a class method's with the class."""
    subject = function.__func__ if isinstance(function, classmethod | staticmethod) else function
    try:
        return tuple(inspect.signature(subject).parameters.values())
    except (TypeError, ValueError):
        return _ANY


def _names(parameters: Iterable[Parameter], *kinds: Any) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in parameters if parameter.kind in kinds)
