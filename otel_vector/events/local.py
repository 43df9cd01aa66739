"""Events within one process: a bounded queue per subscriber, the oldest dropped first."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from otel_vector.events.contract import Event
from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.meanings import Signal

__all__ = ["LocalEvents", "LocalSubscription"]

_MAX_IDS = 100  # what an event's contract allows
_POLL_S = 1.0  # how long iteration waits before it looks whether it was closed


class LocalSubscription:
    """One subscriber's queue. `close` ends its iteration from any thread."""

    def __init__(self, tenant: Tenant, capacity: int) -> None:
        self.tenant = tenant
        self._queue: deque[Event] = deque()
        self._capacity = capacity
        self._skipped = 0
        self._closed = False
        self._changed = threading.Condition()

    def next(self, timeout_s: float) -> Event | None:
        """Return the next event, or None after the timeout or once closed."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not self._queue and not self._closed:
                if not self._changed.wait(deadline - time.monotonic()):
                    break
            return self._pop()

    def __iter__(self) -> Iterator[Event]:
        """Iterate until closed."""
        while not self._closed:
            event = self.next(_POLL_S)
            if event is not None:
                yield event

    def offer(self, event: Event) -> None:
        """Queue an event, in place of the oldest when full."""
        with self._changed:
            if len(self._queue) == self._capacity:
                self._queue.popleft()
                self._skipped += 1
            self._queue.append(event)
            self._changed.notify()

    def close(self) -> None:
        """End the iteration."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _pop(self) -> Event | None:
        if not self._queue or self._closed:
            return None
        event, skipped = self._queue.popleft(), self._skipped
        self._skipped = 0
        return replace(event, skipped=skipped) if skipped else event


class LocalEvents:
    """Announces what one worker stored to subscribers in the same process."""

    def __init__(self, capacity: int = 1000) -> None:
        """Events a subscriber may lag behind before it loses the oldest."""
        self._capacity = capacity
        self._lock = threading.Lock()
        self._sequences: Counter[Tenant] = Counter()
        self._subscriptions: list[LocalSubscription] = []

    def publish(self, tenant: Tenant, signal: Signal, ids: tuple[SpanId, ...], count: int) -> None:
        """Announce one stored write. Never blocks."""
        with self._lock:
            self._sequences[tenant] += 1
            event = Event(self._sequences[tenant], tenant, signal, ids[:_MAX_IDS], count)
            for subscription in self._subscriptions:
                if subscription.tenant == tenant:
                    subscription.offer(event)

    @contextmanager
    def subscribe(self, tenant: Tenant) -> Iterator[LocalSubscription]:
        """Follow one tenant's writes from now on."""
        subscription = LocalSubscription(tenant, self._capacity)
        with self._lock:
            self._subscriptions.append(subscription)
        try:
            yield subscription
        finally:
            with self._lock:
                self._subscriptions.remove(subscription)
            subscription.close()

    def close(self) -> None:
        """End every subscription; their iterations finish."""
        with self._lock:
            subscriptions = list(self._subscriptions)
        for subscription in subscriptions:
            subscription.close()
