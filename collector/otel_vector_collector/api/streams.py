"""Answers without an end, and how they end: when the application is told to stop.

A web server that stops waits for the answers it has begun. Whoever stops it calls
:meth:`Streams.close` first (`app.state.streams.close()`), from any thread.
"""

from __future__ import annotations

import threading

from anyio import CapacityLimiter

from otel_vector_collector.api.threads import FOLLOWERS

__all__ = ["Streams"]


class Streams:
    """Counts the streams that are open and tells them when to end."""

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._limiter: CapacityLimiter | None = None

    @property
    def limiter(self) -> CapacityLimiter:
        """The threads of the followers; made inside the event loop that uses it."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(FOLLOWERS)
        return self._limiter

    @property
    def full(self) -> bool:
        """Whether no further stream can be opened."""
        return self.limiter.available_tokens < 1

    @property
    def closed(self) -> bool:
        """Whether streams have to end."""
        return self._closed.is_set()

    def close(self) -> None:
        """End every stream within a second."""
        self._closed.set()
