"""Functions and coroutine functions with a span around each call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from otel_vector.instrument.recorder import Recorder

__all__ = ["traced_coroutine", "traced_function"]

P = ParamSpec("P")
R = TypeVar("R")


def traced_function(function: Callable[P, R], recorder: Recorder) -> Callable[P, R]:
    """Return a function that calls another one within a span."""
    begin = recorder.begin

    def traced(*args: P.args, **kwargs: P.kwargs) -> R:
        call = begin(args, kwargs)
        if call is None:
            return function(*args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            call.raised(error)
            raise
        call.returned(result)
        return result

    return traced


def traced_coroutine(
    function: Callable[P, Awaitable[R]], recorder: Recorder
) -> Callable[P, Awaitable[R]]:
    """Return a coroutine function that awaits another one within a span."""
    begin = recorder.begin

    async def traced(*args: P.args, **kwargs: P.kwargs) -> R:
        call = begin(args, kwargs)
        if call is None:
            return await function(*args, **kwargs)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            call.raised(error)
            raise
        call.returned(result)
        return result

    return traced
