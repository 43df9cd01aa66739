"""Names of functions: of their spans, and those that link spans to definitions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import FunctionType, MethodType
from typing import Any

__all__ = ["code_name", "module_of", "qualname_of", "subject_of"]

_LOCALS = "<locals>."


def subject_of(function: Callable[..., Any]) -> Any:
    """Return what a callable is named after: the function of a partial, the class of an object."""
    while isinstance(function, partial):
        function = function.func
    if isinstance(function, MethodType):
        return function.__func__
    if isinstance(function, FunctionType) or isinstance(
        getattr(function, "__qualname__", None), str
    ):
        return function
    return type(function)


def qualname_of(function: Callable[..., Any]) -> str:
    """Return the name of a function's spans: its qualified name without `<locals>` parts."""
    return str(subject_of(function).__qualname__).replace(_LOCALS, "")


def module_of(function: Callable[..., Any]) -> str:
    """Return the dotted name of the module that a function was defined in; may be empty."""
    return str(getattr(subject_of(function), "__module__", None) or "")


def code_name(function: Callable[..., Any]) -> str:
    """Return what stands in `code.function.name`: module and qualified name."""
    module = module_of(function)
    return f"{module}.{qualname_of(function)}" if module else qualname_of(function)
