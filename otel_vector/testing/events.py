"""The promises of `otel_vector.events.contract`, one test each, for any backend.

A backend's test module subclasses `EventsSuite` and gives it an instance whose subscribers
may lag `capacity` events behind.
"""

from __future__ import annotations

import threading
import time

from otel_vector.events.contract import Events
from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.meanings import Signal

__all__ = ["EventsSuite"]

_TENANT, _OTHER = Tenant("default"), Tenant("other")
_WAIT_S = 5.0


def _publish(events: Events, name: str, tenant: Tenant = _TENANT) -> None:
    events.publish(tenant, Signal.SPANS, (SpanId(name),), 1)


class EventsSuite:
    """What every backend promises. Subclasses provide the fixture `events`."""

    capacity = 4
    """Events a subscriber of the fixture may lag behind."""

    def test_a_subscriber_sees_what_is_published_from_then_on(self, events: Events) -> None:
        _publish(events, "before")
        with events.subscribe(_TENANT) as subscription:
            _publish(events, "after")
            event = subscription.next(_WAIT_S)
            assert event is not None
            assert event.ids == (SpanId("after"),)
            assert (event.tenant, event.signal, event.count) == (_TENANT, Signal.SPANS, 1)

    def test_sequence_numbers_grow(self, events: Events) -> None:
        with events.subscribe(_TENANT) as subscription:
            _publish(events, "a")
            _publish(events, "b")
            first, second = subscription.next(_WAIT_S), subscription.next(_WAIT_S)
            assert first is not None
            assert second is not None
            assert first.sequence < second.sequence

    def test_a_subscriber_sees_its_tenant_only(self, events: Events) -> None:
        with events.subscribe(_TENANT) as subscription:
            _publish(events, "theirs", _OTHER)
            _publish(events, "ours")
            event = subscription.next(_WAIT_S)
            assert event is not None
            assert event.ids == (SpanId("ours"),)

    def test_every_subscriber_sees_every_event(self, events: Events) -> None:
        with events.subscribe(_TENANT) as one, events.subscribe(_TENANT) as other:
            _publish(events, "a")
            assert one.next(_WAIT_S) == other.next(_WAIT_S) is not None

    def test_waiting_ends_with_the_timeout(self, events: Events) -> None:
        with events.subscribe(_TENANT) as subscription:
            started = time.monotonic()
            assert subscription.next(0.05) is None
            assert time.monotonic() - started < _WAIT_S

    def test_a_slow_subscriber_loses_the_oldest_and_is_told_how_many(self, events: Events) -> None:
        with events.subscribe(_TENANT) as subscription:
            for number in range(self.capacity + 3):
                _publish(events, str(number))
            event = subscription.next(_WAIT_S)
            assert event is not None
            assert (event.skipped, event.ids) == (3, (SpanId("3"),))
            following = subscription.next(_WAIT_S)
            assert following is not None
            assert following.skipped == 0

    def test_an_event_names_at_most_a_hundred_ids_but_counts_all(self, events: Events) -> None:
        with events.subscribe(_TENANT) as subscription:
            ids = tuple(SpanId(str(number)) for number in range(512))
            events.publish(_TENANT, Signal.SPANS, ids, 512)
            event = subscription.next(_WAIT_S)
            assert event is not None
            assert (event.ids, event.count) == (ids[:100], 512)

    def test_a_waiting_subscriber_is_woken(self, events: Events) -> None:
        with events.subscribe(_TENANT) as subscription:
            timer = threading.Timer(0.05, _publish, (events, "a"))
            timer.start()
            assert subscription.next(_WAIT_S) is not None
            timer.join()

    def test_iteration_yields_what_is_published(self, events: Events) -> None:
        with events.subscribe(_TENANT) as subscription:
            for name in ("a", "b"):
                _publish(events, name)
            stream = iter(subscription)
            assert [next(stream).ids, next(stream).ids] == [(SpanId("a"),), (SpanId("b"),)]
