"""Carrying the current span, baggage and run kind to where they do not go by themselves.

=================================== ===========================================================
asyncio tasks, `asyncio.to_thread`  nothing to do: Python copies the context
`threading.Thread`, callbacks       `Thread(target=with_context(work))`
thread and process pools            `context_executor(pool)`, used like the pool itself
`multiprocessing`                   `Process(target=with_carrier(work))`
any other program                   `run(command, env=child_environment(os.environ))`, in it
                                    `with parent_context(os.environ):`
=================================== ===========================================================

Between threads all context variables are copied. Between processes go what W3C headers hold:
the trace, its state and baggage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any, Generic, ParamSpec, TypeVar

from opentelemetry import propagate
from opentelemetry.context import attach, detach

from otel_vector.instrument.names import qualname_of

__all__ = [
    "Carried",
    "ContextExecutor",
    "child_environment",
    "context_executor",
    "parent_context",
    "with_carrier",
    "with_context",
]

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


def with_context(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that runs within what is current now, on whatever thread it is called.

    Each call gets a copy, so that several threads may call it at once.

    Raises:
        TypeError: it is a coroutine function; its task has the context by itself.
    """
    if iscoroutinefunction(function) or isasyncgenfunction(function):
        raise TypeError(
            f"{qualname_of(function)} is a coroutine function, whose task has the context of"
            " where it is made: call it without with_context"
        )
    context = copy_context()

    @wraps(function)
    def within(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)

    return within


@dataclass(frozen=True, slots=True)
class Carried(Generic[P, R_co]):
    """A function with the headers of the trace that it is called for; can be pickled.

    Attributes:
        function: can be pickled itself, as functions of modules can.
        carrier: the headers.
    """

    function: Callable[P, R_co]
    carrier: Mapping[str, str]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function within its trace."""
        with _attached(self.carrier):
            return self.function(*args, **kwargs)


def with_carrier(function: Callable[P, R]) -> Carried[P, R]:
    """Return a function that runs within the current trace in whatever process it is called."""
    return Carried(function, _carrier())


class ContextExecutor(Executor):
    """An executor whose calls run within what is current where they are submitted.

    Args:
        inner: does the work; shut down with this one.
    """

    def __init__(self, inner: Executor) -> None:
        self._inner = inner
        self._bind = with_context if _shares_memory(inner) else with_carrier

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Have a function called, within what is current now."""
        return self._inner.submit(self._bind(fn), *args, **kwargs)

    def map(self, fn: Callable[..., R], *iterables: Iterable[Any], **options: Any) -> Iterator[R]:
        """Have a function called for each item, within what is current now.

        Args:
            fn: takes one item of each iterable.
            iterables: what to go through, together.
            options: those of the inner executor: `timeout`, `chunksize`.
        """
        return self._inner.map(self._bind(fn), *iterables, **options)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as Executor has it
        """Take no more calls, and free what the inner executor holds."""
        self._inner.shutdown(wait, cancel_futures=cancel_futures)


def context_executor(inner: Executor) -> ContextExecutor:
    """Return an executor like another one whose calls belong to the trace they come from."""
    return ContextExecutor(inner)


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a program that is to go on with the current trace.

    Args:
        environ: what else it is to have, `os.environ` say.
    """
    return {**environ, **{_variable(name): text for name, text in _carrier().items()}}


@contextmanager
def parent_context(environ: Mapping[str, str]) -> Iterator[None]:
    """Go on with the trace of the program that started this one.

    Args:
        environ: the environment of this process; without a trace in it nothing changes.
    """
    variables = {field: _variable(field) for field in propagate.get_global_textmap().fields}
    with _attached({field: environ[v] for field, v in variables.items() if v in environ}):
        yield


def _shares_memory(inner: Executor) -> bool:
    """Return whether an executor's workers see this interpreter's objects."""
    kinds = {kind.__name__ for kind in type(inner).__mro__}
    return isinstance(inner, ThreadPoolExecutor) and "InterpreterPoolExecutor" not in kinds


@contextmanager
def _attached(carrier: Mapping[str, str]) -> Iterator[None]:
    token = attach(propagate.extract(carrier))
    try:
        yield
    finally:
        detach(token)


def _carrier() -> dict[str, str]:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


def _variable(field: str) -> str:
    """Return the environment variable of a header, as OpenTelemetry names it: `TRACEPARENT`."""
    return field.upper().replace("-", "_")
