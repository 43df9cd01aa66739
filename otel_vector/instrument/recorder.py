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
from functools import cache
from time import time_ns
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,  # what exporters set, and instrumentations look for
    Context,
    attach,
    detach,
    get_current,
)
from opentelemetry.trace import Span, Tracer, TracerProvider, set_span_in_context
from opentelemetry.util.types import AttributeValue

from otel_vector.instrument.content import Content, LateAttributes
from otel_vector.instrument.failures import Failures
from otel_vector.instrument.names import code_name, qualname_of
from otel_vector.instrument.options import options
from otel_vector.instrument.plan import Plan
from otel_vector.instrument.run_kinds import KEY, kind_in
from otel_vector.instrument.traced_stream import TracedStream
from otel_vector.instrument.unwinding import go_back
from otel_vector.spans.runs import RunKind

__all__ = ["Call", "Recorder"]

_SCOPE: Final = "otel_vector"
_SUPPRESSED: Final = "suppress_instrumentation"


class Call:
    """One call that is being traced, its span current."""

    __slots__ = ("_content", "_context", "_failures", "_span", "_token")

    def __init__(self, span: Span, context: Context, content: Content, failures: Failures) -> None:
        self._span = span
        self._content = content
        self._failures = failures
        self._context = context
        self._token = attach(context)

    def returned(self, result: object) -> None:
        """End the span of a call that returned."""
        end_ns = time_ns()
        detach(self._token)
        span = self._span
        try:
            if span.is_recording():
                if self._content.captures_output:
                    span.set_attributes(self._content.output(result))
                span.end(end_ns)
        except Exception as error:  # noqa: BLE001 - a processor may raise anything
            self._failures.note(error)

    def raised(self, error: BaseException) -> None:
        """End the span of a call that raised."""
        end_ns = time_ns()
        go_back(self._token, self._context, error)
        self._failures.end(self._span, error, end_ns)


class Recorder:
    """Begins the spans of one function.

    Args:
        function: whose calls are traced.
        plan: what to record of them.
        source_hash: of the function; empty without one.
        provider: where spans come from; the global one, whenever it is set, without one.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        plan: Plan,
        source_hash: str = "",
        provider: TracerProvider | None = None,
    ) -> None:
        self._name = qualname_of(function)
        self._code_name = code_name(function)
        self._plan = plan
        self._source_hash = source_hash
        self._content = Content(function, self._code_name, plan)
        self._failures = Failures(self._code_name, plan)
        self._known: dict[str, AttributeValue] = {}
        self._given = provider
        self._provider: TracerProvider | None = None
        self._tracer: Tracer | None = None

    def begin(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call | None:
        """Start the span of a call and make it current; None where there is nothing to trace."""
        try:
            context = get_current()
            span = self._start(context, args, kwargs)
            if span is None:
                return None
            return Call(span, set_span_in_context(span, context), self._content, self._failures)
        except Exception as error:  # noqa: BLE001 - a processor or sampler may raise anything
            self._failures.note(error)
            return None

    def open(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], last: type[Exception]
    ) -> TracedStream | None:
        """Start the span of a stream; None where there is nothing to trace.

        Args:
            args: of the call.
            kwargs: of the call.
            last: what the stream's body raises at its end.
        """
        try:
            context = get_current()
            span = self._start(context, args, kwargs)
            if span is None:
                return None
            chunks = self._content.chunks() if span.is_recording() else None
            current = set_span_in_context(span, context)
            return TracedStream(span, current, last, chunks, self._failures)
        except Exception as error:  # noqa: BLE001 - a processor or sampler may raise anything
            self._failures.note(error)
            return None

    def _start(
        self, context: Context, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Span | None:
        provider = self._given or trace.get_tracer_provider()
        if provider is not self._provider:
            self._use(provider)
        if self._tracer is None or (context and _is_suppressed(context)):
            return None
        known: Mapping[str, AttributeValue] = self._known
        kind = kind_in(context)
        if kind is not None and kind is not RunKind.LIVE:
            known = {**known, KEY: kind.value}
        if self._content.captures_arguments:
            known = LateAttributes(known, self._content, args, kwargs)
        span = self._tracer.start_span(self._name, context, attributes=known)
        return span if span.is_recording() or span.get_span_context().is_valid else None

    def _use(self, provider: TracerProvider) -> None:
        """Take the tracer of a provider; none of one that only waits for another."""
        waits = isinstance(provider, trace.ProxyTracerProvider)
        self._tracer = None if waits else provider.get_tracer(_SCOPE, _version())
        if not waits and not self._known:
            self._known = self._attributes()
        self._provider = provider

    def _attributes(self) -> dict[str, AttributeValue]:
        """Return what every span of the function carries."""
        hashed = {"otel_vector.source.hash": self._source_hash} if self._source_hash else {}
        tags = options().tags.of(self._plan.tags)
        return {"code.function.name": self._code_name, **hashed, **self._plan.attributes, **tags}


def _is_suppressed(context: Context) -> bool:
    """Return whether a context is one, an exporter's say, that makes no spans."""
    return bool(context.get(_SUPPRESS_INSTRUMENTATION_KEY) or context.get(_SUPPRESSED))


@cache
def _version() -> str:
    """Return this package's version, which is that of the instrumentation scope."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("otel-vector")
    except PackageNotFoundError:  # copied, not installed
        return ""
