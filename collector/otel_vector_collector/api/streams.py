"""Answers without an end, and how they end: when the application is told to stop.

A web server that stops waits for the answers it has begun. Whoever stops it calls
:meth:`Streams.close` first (`app.state.streams.close()`), from any thread.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from anyio import CapacityLimiter

from otel_vector.spans.ids import Tenant
from otel_vector_collector.api.threads import FOLLOWERS

__all__ = ["SHARE", "Streams"]

SHARE: Final = FOLLOWERS // 2
"""Streams of one tenant among several: one alone cannot shut the others out."""


class Streams:
    """Counts the streams that are open and tells them when to end."""

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._limiter: CapacityLimiter | None = None
        self._open = Counter[Tenant]()

    @contextmanager
    def following(self, tenant: Tenant) -> Iterator[None]:
        """Count a stream of a tenant for as long as it is open; in the event loop's thread."""
        self._open[tenant] += 1
        try:
            yield
        finally:
            self._open[tenant] -= 1
            if not self._open[tenant]:
                del self._open[tenant]

    def has_its_share(self, tenant: Tenant) -> bool:
        """Return whether a tenant has as many streams as one of several may have."""
        return self._open[tenant] >= SHARE

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
