"""The SDK's span exporter: for `OTEL_TRACES_EXPORTER=vector`, and for batch processors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_vector.exporter.outlet import Outlet
from otel_vector.exporter.using import User
from otel_vector.settings.config import Settings
from otel_vector.spans.meanings import Signal

__all__ = ["VectorSpanExporter"]


class VectorSpanExporter(SpanExporter):
    """Sends spans to an otel-vector collector, or into a store in this process (`path=`).

    `export` only hands the spans over to a thread; it takes microseconds whatever the collector
    does. What is handed over is redacted, written to a spool on disk and sent from there, so that
    it survives a collector that is away and the death of this process.

    What cannot be saved here: spans that a batch processor still holds. It keeps
    `OTEL_BSP_MAX_QUEUE_SIZE` (2,048) of them and drops the oldest when more end at once, and what
    it holds is lost if the process is killed within `OTEL_BSP_SCHEDULE_DELAY` (5 s). An exporter
    cannot change either, since it never sees its processor: set these variables, or use
    `VectorSpanProcessor`, which has no such queue.

    Args:
        keywords: settings: those of the exporter by their short names (`endpoint`, `protocol`,
            `compression`, `timeout_s`, `path`, `spool`, `spool_max_bytes`, `queue_items`,
            `shutdown_s`), all others by their variables in lower case without `OTEL_VECTOR_`
            (`api_key`, `client_tenant`, `redact_keys`). The environment, `.env` and
            `otel-vector.toml` give those that are left out.

    Raises:
        ConfigError: a keyword is unknown or a setting is wrong.
        OtelVectorError: the store of this process cannot be opened.
    """

    def __init__(self, **keywords: Any) -> None:
        self._user = User(keywords)

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._user.settings

    @property
    def outlet(self) -> Outlet:
        """Where spans leave."""
        return self._user.outlet

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand over ended spans; FAILURE after the shutdown, and if there is no room for all."""
        if self._user.is_shut_down:
            self._user.refuse(Signal.SPANS, len(spans))
            return SpanExportResult.FAILURE
        taken = self.outlet.offer_spans(spans)
        return SpanExportResult.SUCCESS if taken else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until what was handed over has arrived, up to so many milliseconds.

        Returns:
            False as soon as it is known that the collector is away; the spans wait on disk.
        """
        return self._user.flush(timeout_millis)

    def shutdown(self, timeout_millis: float | None = None) -> None:
        """Flush within `exporter.shutdown_s`, or less; the last user releases everything."""
        self._user.shut_down(timeout_millis)
