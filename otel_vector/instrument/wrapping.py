"""A callable of any kind, with spans around its calls.

::

    classmethod, staticmethod, property, …   the function inside is wrapped, the kind stays
    async generator function                 a span per stream    streams.py
    generator function                       a span per stream    streams.py
    coroutine function                       a span per call      calls.py
    anything else that can be called         a span per call      calls.py

What a function returns is never looked into: an iterator that is returned is the caller's.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final

from opentelemetry.trace import TracerProvider

from otel_vector.instrument.calls import traced_coroutine, traced_function
from otel_vector.instrument.functions import register
from otel_vector.instrument.names import module_of, subject_of
from otel_vector.instrument.plan import Plan
from otel_vector.instrument.recorder import Recorder
from otel_vector.instrument.streams import traced_async_generator, traced_generator

__all__ = ["is_traced", "wrapped"]

_MARK: Final = "__otel_vector_traced__"
_FUNCTION_CACHE: Final = type(functools.lru_cache(lambda: None))


def is_traced(function: object) -> bool:
    """Return whether the calls of a function are traced already."""
    inner = getattr(function, "__func__", getattr(function, "fget", function))
    return bool(getattr(inner, _MARK, False))


def wrapped(function: Any, plan: Plan, provider: TracerProvider | None = None) -> Any:
    """Return a callable of the same kind, name and signature whose calls are traced.

    Args:
        function: any callable but a class; or a classmethod, staticmethod, partialmethod, property
            or cached property.
        plan: what to record.
        provider: where spans come from; the global one without one.

    Raises:
        TypeError: it is nothing whose calls can be traced.
    """
    match function:
        case classmethod() | staticmethod():
            return type(function)(wrapped(function.__func__, plan, provider))
        case property(fget=getter) if getter is not None:
            return function.getter(wrapped(getter, plan, provider))
        case functools.cached_property():
            return _cached_property(function, wrapped(function.func, plan, provider))
        case functools.partialmethod():
            inner = wrapped(function.func, plan, provider)
            return functools.partialmethod(inner, *function.args, **function.keywords)
    _check(function)
    recorder = Recorder(function, plan, register(function, plan.about), provider)
    return _named_after(function, _traced(function, recorder))


def _check(function: object) -> None:
    if isinstance(function, type):
        raise TypeError(
            f"{function.__qualname__} is a class, and only functions are traced:"
            " decorate its methods, or a function that makes one"
        )
    if not callable(function):
        raise TypeError(
            f"a value of type {type(function).__qualname__} cannot be traced:"
            " put the decorator above a function or method"
        )


def _traced(function: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    if _is(inspect.isasyncgenfunction, function):
        return traced_async_generator(function, recorder)
    if _is(inspect.isgeneratorfunction, function):
        return traced_generator(function, recorder)
    if _is(inspect.iscoroutinefunction, function):
        return traced_coroutine(function, recorder)
    return traced_function(function, recorder)


def _is(test: Callable[[Any], bool], function: Callable[..., Any]) -> bool:
    """Return whether a function is of a kind; an object is of that of its `__call__`."""
    return test(function) or test(getattr(type(function), "__call__", None))  # noqa: B004


def _named_after(function: Callable[..., Any], traced: Callable[..., Any]) -> Callable[..., Any]:
    """Return the wrapper with all that functions are asked for: names, docs, signature, module."""
    is_function = subject_of(function) is function
    updated = functools.WRAPPER_UPDATES if is_function else ()
    functools.update_wrapper(traced, function, updated=updated)
    subject = subject_of(function)
    traced.__name__ = subject.__name__
    traced.__qualname__ = subject.__qualname__
    traced.__module__ = module_of(function)
    traced.__doc__ = subject.__doc__
    if isinstance(function, _FUNCTION_CACHE):
        for name in ("cache_clear", "cache_info"):
            setattr(traced, name, getattr(function, name))
    setattr(traced, _MARK, True)
    return traced


def _cached_property(
    function: functools.cached_property[Any], getter: Callable[..., Any]
) -> functools.cached_property[Any]:
    made = functools.cached_property(getter)
    if function.attrname is not None:
        made.__set_name__(object, function.attrname)
    return made
