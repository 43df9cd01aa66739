"""A random walk over an inbox: every step is also taken on a model, and both must agree.

Steps: put, take, ack, retry, bury, bring back and drop dead letters, scrub, and restart, with or
without what was taken. What is not acked, buried or dropped must always come out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from otel_vector.errors import InboxFullError
from otel_vector.testing.inbox import Subject, envelope

__all__ = ["InboxMachine"]

_picks = st.randoms(use_true_random=False)


class InboxMachine(RuleBasedStateMachine):
    """Subclasses say how to open the inbox, always the same one within a walk."""

    max_bytes = 1000

    def __init__(self) -> None:
        super().__init__()
        self.inbox = self.open_inbox()
        self.waiting: dict[int, tuple[bytes, int]] = {}
        self.taken: dict[int, tuple[bytes, int]] = {}
        self.dead: dict[int, bytes] = {}
        self.last_id = 0

    open_inbox: Callable[[], Subject]
    """Returns the inbox of this walk, as a process that starts would open it; a method."""

    @rule(body=st.binary(max_size=400))
    def put(self, body: bytes) -> None:
        """Put fails exactly when the bound would be passed."""
        if self._bytes() + len(body) > self.max_bytes:
            try:
                self.inbox.put(envelope(body))
            except InboxFullError:
                return
            raise AssertionError("more was put than the bound allows")
        self._arrived(self.inbox.put(envelope(body)), body)

    @rule(limit=st.integers(1, 5), max_bytes=st.integers(1, 800))
    def take(self, limit: int, max_bytes: int) -> None:
        """What is taken was waiting, as it was put, in order, within the limits."""
        taken = self.inbox.take(limit, max_bytes, 0.0)
        assert len(taken) <= limit
        assert bool(taken) == bool(self.waiting)
        assert len(taken) <= 1 or sum(len(d.envelope.body) for d in taken) <= max_bytes
        for delivery in taken:
            expected = self.waiting.pop(delivery.id)
            assert (delivery.envelope.body, delivery.attempt) == expected
            self.taken[delivery.id] = expected

    @precondition(lambda self: self.taken)
    @rule(random=_picks)
    def ack(self, random: Random) -> None:
        """Acked deliveries never come back."""
        ids = _some(random, self.taken)
        self.inbox.ack(ids)
        for delivery_id in ids:
            del self.taken[delivery_id]

    @precondition(lambda self: self.taken)
    @rule(random=_picks)
    def retry_later(self, random: Random) -> None:
        """Deliveries come back with a higher attempt."""
        ids = _some(random, self.taken)
        self.inbox.retry_later(ids, 0.0)
        for delivery_id in ids:
            body, attempt = self.taken.pop(delivery_id)
            self.waiting[delivery_id] = (body, attempt + 1)

    @precondition(lambda self: self.taken)
    @rule(random=_picks)
    def bury(self, random: Random) -> None:
        """A buried delivery is a dead letter."""
        for delivery_id in _some(random, self.taken):
            self.inbox.bury(delivery_id, "why")
            self.dead[delivery_id] = self.taken.pop(delivery_id)[0]

    @precondition(lambda self: self.dead)
    @rule(random=_picks)
    def bring_back(self, random: Random) -> None:
        """Dead letters that fit wait again, at the end."""
        letter_id = _some(random, self.dead)[0]
        body = self.dead[letter_id]
        if self._bytes() + len(body) > self.max_bytes:
            return
        assert self.inbox.retry([letter_id]) == 1
        del self.dead[letter_id]
        (new_id,) = self._unknown_ids()
        self._arrived(new_id, body)

    @precondition(lambda self: self.dead)
    @rule(random=_picks)
    def drop(self, random: Random) -> None:
        """Dropped letters are gone."""
        ids = _some(random, self.dead)
        assert self.inbox.drop(ids) == len(ids)
        for letter_id in ids:
            del self.dead[letter_id]

    @rule()
    def scrub(self) -> None:
        """Scrubbing changes nothing that can be seen."""
        self.inbox.scrub()

    @rule()
    def restart(self) -> None:
        """What was taken and not acked is there again."""
        self.inbox.close()
        self.inbox = self.open_inbox()
        self.inbox.recover()
        self.waiting |= self.taken
        self.taken = {}

    @invariant()
    def sums_agree(self) -> None:
        """The sums are those of the model."""
        state = self.inbox.state()
        assert (state.pending, state.bytes, state.dead) == (
            len(self.waiting) + len(self.taken),
            self._bytes(),
            len(self.dead),
        )

    def teardown(self) -> None:
        """Everything that is not acked comes out at the end."""
        self.restart()
        left = self.inbox.take(10_000, 1 << 30, 0.0)
        assert {d.id: (d.envelope.body, d.attempt) for d in left} == self.waiting
        assert [d.id for d in left] == sorted(self.waiting)
        self.inbox.close()

    def _arrived(self, assigned: int, body: bytes) -> None:
        assert assigned > self.last_id
        self.last_id = assigned
        self.waiting[assigned] = (body, 1)

    def _unknown_ids(self) -> list[int]:
        """Look past what was taken at ids that the model does not have yet."""
        self.inbox.recover()
        found = self.inbox.take(10_000, 1 << 30, 0.0)
        self.inbox.recover()
        self.waiting |= self.taken
        self.taken = {}
        return [d.id for d in found if d.id not in self.waiting]

    def _bytes(self) -> int:
        held = [*self.waiting.values(), *self.taken.values()]
        return sum(len(body) for body, _ in held)


def _some(random: Random, ids: Iterable[int]) -> list[int]:
    """Return at least one of the ids."""
    pool = sorted(ids)
    return random.sample(pool, random.randint(1, len(pool)))
