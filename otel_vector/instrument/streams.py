"""Generators and async generators with a span around each stream.

The span begins with the body, at the first item that is asked for, and ends when the body has
ended: with its last item, its exception, or because the consumer stopped early, closed the stream
or let go of it. It is current while the body runs and not in the consumer between two items; what
else the body has made current when it yields is so again when it goes on.

The loops do what `yield from` does (PEP 380), with a step into the body and out of it around each
item; there is no `yield from` for async generators, nor one that steps.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, ParamSpec, TypeVar

from otel_vector.instrument.recorder import Recorder
from otel_vector.instrument.traced_stream import UntracedStream

__all__ = ["traced_async_generator", "traced_generator"]

P = ParamSpec("P")
Y = TypeVar("Y")
S = TypeVar("S")
R = TypeVar("R")


def traced_generator(
    function: Callable[P, Generator[Y, S, R]], recorder: Recorder
) -> Callable[P, Generator[Y, S, R]]:
    """Return a generator function whose streams are each a span."""

    def traced(*args: P.args, **kwargs: P.kwargs) -> Generator[Y, S, R]:
        body = function(*args, **kwargs)
        stream = recorder.open(args, kwargs, StopIteration)
        if stream is None:
            return (yield from body)
        step: Callable[[Any], Y] = body.send
        given: Any = None
        try:
            while True:
                with stream:
                    item = step(given)
                stream.gave(item)
                try:
                    step, given = body.send, (yield item)
                except GeneratorExit:
                    with stream:
                        body.close()
                    stream.stopped()
                    raise
                except BaseException as error:  # noqa: BLE001 - it is thrown into the body
                    step, given = body.throw, error
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        finally:
            given = None  # an exception that was thrown in would hold itself by this frame

    return traced


def traced_async_generator(
    function: Callable[P, AsyncGenerator[Y, S]], recorder: Recorder
) -> Callable[P, AsyncGenerator[Y, S]]:
    """Return an async generator function whose streams are each a span."""

    async def traced(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[Y, S]:
        body = function(*args, **kwargs)
        stream = recorder.open(args, kwargs, StopAsyncIteration) or UntracedStream()
        step: Callable[[Any], Any] = body.asend
        given: Any = None
        try:
            while True:
                with stream:
                    item = await step(given)
                stream.gave(item)
                try:
                    step, given = body.asend, (yield item)
                except GeneratorExit:
                    with stream:
                        await body.aclose()
                    stream.stopped()
                    raise
                except BaseException as error:  # noqa: BLE001 - it is thrown into the body
                    step, given = body.athrow, error
        except StopAsyncIteration:
            return
        finally:
            given = None

    return traced
