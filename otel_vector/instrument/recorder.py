"""The span of one call: begun before the function, ended with its result or its exception.

::

    begin ─▶ Call ─▶ the function runs, its span current ─▶ returned | raised
      └─▶ None: nothing to trace, the function is simply called

This is the hot path. The span is current between `begin` and `returned` or `raised`, on the thread
and in the task that called; its end is taken first of all, so that what is recorded afterwards is
not in its duration. Nothing in here raises: what goes wrong is noted and the function runs on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import Token
from time import time_ns
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import Span, Tracer, TracerProvider, set_span_in_context

from otel_vector.instrument.failures import Failures
from otel_vector.instrument.faults import faults
from otel_vector.instrument.names import code_name, qualname_of
from otel_vector.instrument.plan import Plan
from otel_vector.spans.functions import Scalar

__all__ = ["Call", "Recorder"]

_SCOPE: Final = "otel_vector"
_SUPPRESSED: Final = "suppress_instrumentation"


class Call:
    """One call that is being traced, its span current."""

    __slots__ = ("_context", "_failures", "_span", "_token")

    def __init__(self, span: Span, context: Context, failures: Failures) -> None:
        self._span = span
        self._failures = failures
        self._context = context
        self._token: Token[Context] = attach(context)

    def returned(self) -> None:
        """End the span of a call that returned."""
        end_ns = time_ns()
        detach(self._token)
        self._span.end(end_ns)

    def raised(self, error: BaseException) -> None:
        """End the span of a call that raised."""
        end_ns = time_ns()
        detach(self._token)
        self._failures.record(self._span, error, end_ns)
        self._span.end(end_ns)


class Recorder:
    """Begins the spans of one function.

    Args:
        function: whose calls are traced.
        plan: what to record of them.
        provider: where spans come from; the global one, whenever it is set, without one.
    """

    def __init__(
        self, function: Callable[..., Any], plan: Plan, provider: TracerProvider | None = None
    ) -> None:
        self._name = qualname_of(function)
        self._tracer: Tracer = trace.get_tracer(_SCOPE, tracer_provider=provider)
        self._failures = Failures(self._name, plan)
        self._attributes: Mapping[str, Scalar] = {
            "code.function.name": code_name(function),
            **plan.attributes,
        }

    def begin(self) -> Call | None:
        """Start the span of a call and make it current; None where there is nothing to trace."""
        try:
            context = get_current()
            if context.get(_SUPPRESSED):
                return None
            span = self._tracer.start_span(self._name, context, attributes=self._attributes)
            if not span.is_recording() and not span.get_span_context().is_valid:
                return None
            return Call(span, set_span_in_context(span, context), self._failures)
        except Exception as error:  # noqa: BLE001 - a processor or sampler may raise anything
            faults.note(f"no span for a call of {self._name}", error)
            return None
