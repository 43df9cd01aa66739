"""`@vectorize` and `@trace_span`: the spans of a function, by one line above it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from otel_vector.instrument.plan import Plan
from otel_vector.instrument.wrapping import wrapped

__all__ = ["trace_span"]

F = TypeVar("F", bound=Callable[..., Any])


@overload
def trace_span(function: F, /) -> F: ...
@overload
def trace_span() -> Callable[[F], F]: ...
def trace_span(function: Any = None, /) -> Any:
    """Trace each call of a function."""

    def decorate(target: Any) -> Any:
        return wrapped(target, Plan())

    return decorate if function is None else decorate(function)
