"""What the exporters and the processor have in common: settings, an outlet, one shutdown."""

from __future__ import annotations

from typing import Any

from otel_vector.exporter.keywords import settings_of
from otel_vector.exporter.outlet import Outlet, outlet, release
from otel_vector.settings.config import Settings
from otel_vector.spans.meanings import Signal

__all__ = ["User"]


class User:
    """One user of an outlet.

    Attributes:
        settings: those in force.
        outlet: where items go.
        is_shut_down: whether it takes nothing any more.
    """

    def __init__(self, keywords: dict[str, Any]) -> None:
        self.settings: Settings = settings_of(keywords)
        self.outlet: Outlet = outlet(self.settings)
        self.is_shut_down = False

    def refuse(self, signal: Signal, items: int) -> None:
        """Count items that came after the shutdown, and say so."""
        self.outlet.tally.dropped("shutdown", signal, items)
        self.outlet.tally.tell()

    def flush(self, timeout_millis: float | None) -> bool:
        """Wait for delivery, as `Outlet.flush`; without a timeout for `exporter.shutdown_s`."""
        return self.outlet.flush(self._seconds(timeout_millis))

    def shut_down(self, timeout_millis: float | None) -> bool:
        """Take nothing any more and let the outlet go, once."""
        if self.is_shut_down:
            return True
        self.is_shut_down = True
        seconds = min(self._seconds(timeout_millis), self.settings.exporter.shutdown_s)
        return release(self.settings, seconds)

    def _seconds(self, timeout_millis: float | None) -> float:
        if timeout_millis is None:
            return self.settings.exporter.shutdown_s
        return max(0.0, timeout_millis / 1e3)
