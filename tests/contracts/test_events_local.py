"""Events within a process keep the promises of the contract."""

import threading

import pytest

from otel_vector.events.contract import Events
from otel_vector.events.local import LocalEvents
from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.testing.events import EventsSuite


class TestLocalEvents(EventsSuite):
    @pytest.fixture
    def events(self) -> Events:
        return LocalEvents(self.capacity)

    def test_closing_ends_an_iteration_in_another_thread(self):
        events = LocalEvents()
        ready, seen = threading.Event(), []

        def follow():
            with events.subscribe(Tenant("default")) as subscription:
                ready.set()
                seen.extend(subscription)

        thread = threading.Thread(target=follow)
        thread.start()
        assert ready.wait(5)
        events.publish(Tenant("default"), Signal.LOGS, (SpanId("a"),), 1)
        while not seen:
            thread.join(0.01)
        events.close()
        thread.join(5)
        assert not thread.is_alive()
        assert [event.signal for event in seen] == [Signal.LOGS]

    def test_a_subscriber_that_left_costs_nothing_more(self):
        events = LocalEvents()
        with events.subscribe(Tenant("default")) as subscription:
            pass
        events.publish(Tenant("default"), Signal.SPANS, (SpanId("a"),), 1)
        assert subscription.next(0) is None
