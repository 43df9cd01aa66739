"""The SDK's span processor: ended spans go to the spool without a batch processor in between."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from otel_vector.exporter.outlet import Outlet
from otel_vector.exporter.using import User
from otel_vector.settings.config import Settings
from otel_vector.spans.meanings import Signal

__all__ = ["VectorSpanProcessor"]


class VectorSpanProcessor(SpanProcessor):
    """Sends spans as `VectorSpanExporter` does, and drops none in a burst.

    An ended span is on its way to the disk within .2 s, and `exporter.queue_items` of them may
    wait for it in memory, where the SDK's batch processor keeps 2,048 for 5 s. Spans that are not
    sampled are ignored. Keywords and errors are those of `VectorSpanExporter`.
    """

    def __init__(self, **keywords: Any) -> None:
        self._user = User(keywords)
        self._offer = self._user.outlet.offer_span

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._user.settings

    @property
    def outlet(self) -> Outlet:
        """Where spans leave."""
        return self._user.outlet

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Do nothing: a span is sent when it has ended."""

    def on_end(self, span: ReadableSpan) -> None:
        """Hand over a span that has ended; never waits, never raises."""
        context = span.context
        if context is not None and context.trace_flags.sampled:
            self._offer(span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until what was handed over has arrived; see `VectorSpanExporter.force_flush`."""
        return self._user.flush(timeout_millis)

    def shutdown(self, timeout_millis: float | None = None) -> None:
        """Flush within `exporter.shutdown_s`, or less; the last user releases everything."""
        self._offer = self._late
        self._user.shut_down(timeout_millis)

    def _late(self, _: ReadableSpan) -> None:
        self._user.refuse(Signal.SPANS, 1)
