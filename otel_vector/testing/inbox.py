"""The promises of `otel_vector.inbox.contract`, one test each, for any backend.

A backend's test module subclasses `InboxSuite` and provides the fixture `opened`: a function
that opens one and the same inbox, again and again, as a process that starts would. The random
walk against a model is in `inbox_machine`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol, TypeAlias

import pytest

from otel_vector.errors import InboxFullError, NotFoundError, RetryableError
from otel_vector.inbox.contract import DeadLetters, Delivery, Envelope, Inbox, Intake
from otel_vector.settings.config import InboxConfig
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal

__all__ = ["InboxSuite", "OpenInbox", "Subject", "envelope", "take_all"]

_WAIT_S = 10.0
_PLENTY = 1 << 30


class Subject(Inbox, DeadLetters, Intake, Protocol):
    """All views of one inbox."""

    def recover(self) -> object:
        """Make what is not acked available again."""
        ...

    def scrub(self) -> object:
        """Leave no byte of what was deleted."""
        ...


OpenInbox: TypeAlias = Callable[[InboxConfig], Subject]


def envelope(body: bytes = b"spans", tenant: str = "default") -> Envelope:
    """Return an envelope of the present."""
    return Envelope(
        tenant=Tenant(tenant),
        signal=Signal.SPANS,
        content_type="application/x-protobuf",
        encoding="identity",
        received_ns=time.time_ns(),
        body=body,
    )


def take_all(inbox: Inbox, wait_s: float = 0.0) -> list[Delivery]:
    """Take whatever is there."""
    return inbox.take(1000, _PLENTY, wait_s)


class InboxSuite:
    """What every backend promises. Subclasses provide the fixture `opened`."""

    config = InboxConfig(min_free_bytes=0)

    def test_what_is_put_is_taken_as_it_was(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        sent = replace(envelope(b"\x00\xff", "acme"), signal=Signal.LOGS, encoding="gzip")
        put = inbox.put(sent)
        assert take_all(inbox) == [Delivery(id=put, envelope=sent, attempt=1)]

    def test_takes_in_the_order_of_arrival(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        ids = [inbox.put(envelope(b"%d" % n)) for n in range(20)]
        assert ids == sorted(set(ids))
        assert [delivery.id for delivery in take_all(inbox)] == ids

    def test_hands_each_delivery_out_once(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        inbox.put(envelope())
        assert len(take_all(inbox)) == 1
        assert take_all(inbox) == []

    def test_takes_no_more_than_the_limit(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        for _ in range(5):
            inbox.put(envelope())
        assert [len(inbox.take(2, _PLENTY, 0)) for _ in range(4)] == [2, 2, 1, 0]

    def test_takes_no_more_bytes_than_asked_but_at_least_one(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        for size in (10, 10, 10, 50, 10):
            inbox.put(envelope(bytes(size)))
        sizes = []
        while taken := inbox.take(100, 20, 0):
            sizes.append([len(delivery.envelope.body) for delivery in taken])
        assert sizes == [[10, 10], [10], [50], [10]]

    def test_take_waits_for_the_first_and_gives_up_in_time(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        started = time.monotonic()
        assert take_all(inbox, 0.05) == []
        assert 0.04 < time.monotonic() - started < _WAIT_S
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(take_all, inbox, _WAIT_S)
            inbox.put(envelope())
            assert len(waiting.result(_WAIT_S)) == 1

    def test_takes_what_others_put_while_it_is_open(self, opened: OpenInbox) -> None:
        inbox, door = opened(self.config), opened(self.config)
        door.put(envelope(b"theirs"))
        assert [d.envelope.body for d in take_all(inbox, _WAIT_S)] == [b"theirs"]

    def test_what_is_acked_is_gone_for_good(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        inbox.put(envelope(b"one"))
        kept = inbox.put(envelope(b"two"))
        first, _ = take_all(inbox)
        inbox.ack([first.id, 987_654])
        inbox.close()
        again = opened(self.config)
        assert [delivery.id for delivery in take_all(again)] == [kept]

    def test_what_is_not_acked_is_there_after_a_restart(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        ids = [inbox.put(envelope()) for _ in range(3)]
        take_all(inbox)
        inbox.close()
        assert [delivery.id for delivery in take_all(opened(self.config))] == ids

    def test_recover_makes_what_was_taken_available_again(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        put = inbox.put(envelope())
        take_all(inbox)
        inbox.recover()
        assert [delivery.id for delivery in take_all(inbox)] == [put]

    def test_ids_are_never_used_again(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        first = inbox.put(envelope())
        inbox.ack([first])
        inbox.close()
        assert opened(self.config).put(envelope()) > first

    def test_retry_later_waits_and_counts_the_attempt(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        put = inbox.put(envelope())
        take_all(inbox)
        inbox.retry_later([put], 0.2)
        assert take_all(inbox) == []
        (delivery,) = take_all(inbox, _WAIT_S)
        assert (delivery.id, delivery.attempt) == (put, 2)

    def test_the_attempt_survives_a_restart(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        put = inbox.put(envelope())
        take_all(inbox)
        inbox.retry_later([put], 3600)
        inbox.close()
        (delivery,) = take_all(opened(self.config))
        assert delivery.attempt == 2

    def test_refuses_over_its_bound_and_accepts_after_acks(self, opened: OpenInbox) -> None:
        inbox = opened(replace(self.config, max_bytes=100))
        put = inbox.put(envelope(bytes(60)))
        with pytest.raises(InboxFullError) as refused:
            inbox.put(envelope(bytes(60)))
        assert 0 < refused.value.retry_after_s <= 2
        assert inbox.state().pending == 1
        inbox.ack([put])
        inbox.put(envelope(bytes(60)))

    def test_the_bound_holds_across_processes_and_restarts(self, opened: OpenInbox) -> None:
        config = replace(self.config, max_bytes=100)
        opened(config).put(envelope(bytes(60)))
        with pytest.raises(InboxFullError):
            opened(config).put(envelope(bytes(60)))

    def test_many_threads_put_at_once(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        bodies = [b"%d" % n for n in range(400)]
        with ThreadPoolExecutor(16) as pool:
            ids = list(pool.map(inbox.put, map(envelope, bodies)))
        assert len(set(ids)) == 400
        taken = {delivery.id: delivery.envelope.body for delivery in take_all(inbox)}
        assert taken == dict(zip(ids, bodies, strict=True))

    def test_submit_returns_at_once_and_ends_as_put_does(self, opened: OpenInbox) -> None:
        inbox = opened(replace(self.config, max_bytes=100))
        fits, does_not = inbox.submit(envelope(bytes(60))), inbox.submit(envelope(bytes(60)))
        assert fits.result(_WAIT_S) > 0
        assert isinstance(does_not.exception(_WAIT_S), InboxFullError)

    def test_close_commits_what_was_submitted_and_then_refuses(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        submitted = [inbox.submit(envelope()) for _ in range(50)]
        inbox.close()
        assert len({future.result(0) for future in submitted}) == 50
        assert isinstance(inbox.submit(envelope()).exception(_WAIT_S), RetryableError)
        assert opened(self.config).state().pending == 50

    def test_state_tells_what_waits(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        assert inbox.state().oldest_s == 0
        old = replace(envelope(bytes(7)), received_ns=time.time_ns() - 60 * 10**9)
        first = inbox.put(old)
        inbox.put(envelope(bytes(5)))
        state = inbox.state()
        assert (state.pending, state.bytes, state.dead) == (2, 12, 0)
        assert 60 <= state.oldest_s < 90
        inbox.ack([first])
        assert inbox.state().bytes == 5
        assert inbox.state().oldest_s < 30

    def test_a_buried_delivery_is_a_dead_letter(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        put = inbox.put(envelope(b"poison", "acme"))
        (delivery,) = take_all(inbox)
        inbox.bury(put, "it broke the worker")
        (letter,) = inbox.list(10)
        assert (letter.id, letter.reason, letter.attempt) == (put, "it broke the worker", 1)
        assert letter.envelope.body == b""
        assert inbox.show(put).envelope == delivery.envelope
        state = inbox.state()
        assert (state.pending, state.bytes, state.dead) == (0, 0, 1)

    def test_dead_letters_are_listed_newest_first(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        ids = [inbox.put(envelope()) for _ in range(3)]
        for put in ids:
            inbox.bury(put, "why")
        assert [letter.id for letter in inbox.list(2)] == [ids[2], ids[1]]

    def test_a_dead_letter_that_is_not_there_is_not_found(self, opened: OpenInbox) -> None:
        with pytest.raises(NotFoundError):
            opened(self.config).show(1)

    def test_retried_dead_letters_are_taken_again(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        put = inbox.put(envelope(b"again"))
        take_all(inbox)
        inbox.bury(put, "why")
        operator = opened(self.config)
        assert operator.retry([put, 987_654]) == 1
        assert operator.list(10) == []
        (delivery,) = take_all(inbox, _WAIT_S)
        assert (delivery.envelope.body, delivery.attempt) == (b"again", 1)

    def test_dead_letters_that_do_not_fit_stay_dead(self, opened: OpenInbox) -> None:
        inbox = opened(replace(self.config, max_bytes=100))
        put = inbox.put(envelope(bytes(60)))
        inbox.bury(put, "why")
        inbox.put(envelope(bytes(60)))
        with pytest.raises(InboxFullError):
            inbox.retry([put])
        assert [letter.id for letter in inbox.list(10)] == [put]
        assert inbox.state().bytes == 60

    def test_dropped_dead_letters_are_gone(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        put = inbox.put(envelope())
        inbox.bury(put, "why")
        assert inbox.drop([put, 987_654]) == 1
        assert inbox.state().dead == 0

    def test_dead_letters_expire(self, opened: OpenInbox) -> None:
        inbox = opened(self.config)
        for _ in range(2):
            inbox.bury(inbox.put(envelope()), "why")
        later = opened(replace(self.config, dead_letter_ttl_s=0.0))
        assert later.list(10) == []
        assert later.state().dead == 0
        assert inbox.state().dead == 2
        later.scrub()
        assert inbox.state().dead == 0

    def test_counters_are_summed_over_all_who_count(self, opened: OpenInbox) -> None:
        one, other = opened(self.config), opened(self.config)
        one.count("rejected.span_id_zero", 3)
        one.count("rejected.span_id_zero", 2)
        other.count("rejected.span_id_zero", 5)
        one.count("requests", 1)
        one.close()
        other.close()
        counters = opened(self.config).counters()
        assert (counters["rejected.span_id_zero"], counters["requests"]) == (10, 1)
