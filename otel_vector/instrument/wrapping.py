"""A callable of any kind, with spans around its calls."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from opentelemetry.trace import TracerProvider

from otel_vector.instrument.calls import traced_coroutine, traced_function
from otel_vector.instrument.plan import Plan
from otel_vector.instrument.recorder import Recorder

__all__ = ["wrapped"]


def wrapped(
    function: Callable[..., Any], plan: Plan, provider: TracerProvider | None = None
) -> Callable[..., Any]:
    """Return a callable of the same kind, name and signature whose calls are traced.

    Args:
        function: any callable but a class.
        plan: what to record.
        provider: where spans come from; the global one without one.
    """
    recorder = Recorder(function, plan, provider)
    trace = traced_coroutine if inspect.iscoroutinefunction(function) else traced_function
    return functools.wraps(function)(trace(function, recorder))
