"""The durable change cursor: what was stored, in the order of commits.

An event says that one write was stored. Subscribers (`tail`, the event stream of the API,
later alerts) get summaries of what came in; a subscriber that is slow loses the oldest
events and is told how many, it never slows the worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.meanings import Signal

__all__ = ["Event", "Events", "Subscription"]


@dataclass(frozen=True, slots=True)
class Event:
    """One write that was stored.

    Attributes:
        sequence: grows by one per event of the tenant within a worker; what others write is not
            to be read off it.
        tenant: whose.
        signal: spans or logs.
        ids: content ids of what was new, at most 100.
        count: how many were new.
        skipped: events this subscriber lost before this one.
    """

    sequence: int
    tenant: Tenant
    signal: Signal
    ids: tuple[SpanId, ...]
    count: int
    skipped: int = 0


class Subscription(Protocol):
    """One subscriber's view."""

    def next(self, timeout_s: float) -> Event | None:
        """Return the next event, or None after the timeout."""
        ...

    def __iter__(self) -> Iterator[Event]:
        """Iterate until closed."""
        ...


class Events(Protocol):
    """Where writes are announced and followed."""

    def publish(self, tenant: Tenant, signal: Signal, ids: tuple[SpanId, ...], count: int) -> None:
        """Announce one stored write. Never blocks."""
        ...

    def subscribe(self, tenant: Tenant) -> AbstractContextManager[Subscription]:
        """Follow one tenant's writes from now on."""
        ...
