"""The SDK's log exporter: for `OTEL_LOGS_EXPORTER=vector`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from otel_vector.exporter.notices import LOGGER
from otel_vector.exporter.outlet import Outlet
from otel_vector.exporter.using import User
from otel_vector.settings.config import Settings
from otel_vector.spans.meanings import Signal

__all__ = ["VectorLogExporter"]


class VectorLogExporter(LogRecordExporter):
    """Sends log records where `VectorSpanExporter` sends spans, in the same way.

    Records of the logger `otel_vector.exporter` are left out: an exporter in trouble would add to
    it. Keywords and errors are those of `VectorSpanExporter`.
    """

    def __init__(self, **keywords: Any) -> None:
        self._user = User(keywords)

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._user.settings

    @property
    def outlet(self) -> Outlet:
        """Where records leave."""
        return self._user.outlet

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Hand over records; FAILURE after the shutdown, and if there is no room for all."""
        if self._user.is_shut_down:
            self._user.refuse(Signal.LOGS, len(batch))
            return LogRecordExportResult.FAILURE
        foreign = [record for record in batch if not _is_ours(record)]
        taken = self.outlet.offer_logs(foreign)
        return LogRecordExportResult.SUCCESS if taken else LogRecordExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until what was handed over has arrived; see `VectorSpanExporter.force_flush`."""
        return self._user.flush(timeout_millis)

    def shutdown(self, timeout_millis: float | None = None) -> None:
        """Flush within `exporter.shutdown_s`, or less; the last user releases everything."""
        self._user.shut_down(timeout_millis)


def _is_ours(record: ReadableLogRecord) -> bool:
    scope = record.instrumentation_scope
    return scope is not None and scope.name == LOGGER
