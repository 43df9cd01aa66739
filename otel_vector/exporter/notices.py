"""What the exporter says of its troubles: once a minute for each kind, whatever happens.

The logger is `otel_vector.exporter`. Its own records are not exported by `VectorLogExporter`: an
exporter in trouble would only add to it.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

__all__ = ["LOGGER", "Notices"]

LOGGER: Final = "otel_vector.exporter"
_EVERY_S: Final = 60.0
_log = logging.getLogger(LOGGER)


class Notices:
    """Says each kind of thing at most once in `every_s` seconds. Any thread may call it."""

    def __init__(self, every_s: float = _EVERY_S) -> None:
        self._every_s = every_s
        self._turn = threading.RLock()
        self._said_at: dict[str, float] = {}

    def is_due(self, kind: str) -> bool:
        """Return whether this kind of thing may be said now; if so, it counts as said."""
        now = time.monotonic()
        with self._turn:
            if now - self._said_at.get(kind, -self._every_s) < self._every_s:
                return False
            self._said_at[kind] = now
            return True

    def left_s(self, kind: str) -> float:
        """Return the seconds until this kind of thing may be said again, 0 if it may."""
        with self._turn:
            since = time.monotonic() - self._said_at.get(kind, -self._every_s)
        return max(0.0, self._every_s - since)

    def warn(self, kind: str, message: str, *arguments: object) -> None:
        """Log a warning, unless one of its kind was logged a short time ago."""
        if self.is_due(kind):
            _log.warning(message, *arguments)

    def fault(self, kind: str, message: str, *arguments: object) -> None:
        """Log an error with its traceback, unless one of its kind was logged already."""
        if self.is_due(kind):
            _log.exception(message, *arguments)

    def renew(self) -> None:
        """Take a new lock in a forked child."""
        self._turn = threading.RLock()
