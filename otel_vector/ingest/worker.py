"""The worker: takes deliveries, brackets decode → redact → describe → store, acks last.

::

    take ─▶ group ─▶ decode ─▶ redact ─▶ describe ─▶ store ─▶ done
                         │ fails: alone, again, then dead letter │
                         ▼                                       ▼ every checkpoint_s
                    retry_later / bury                     checkpoint ─▶ ack ─▶ scrub

* A delivery is acked only after a checkpoint that began when its write had ended; whatever
  stops the process before that, it is delivered again, and its ids make it the same items.
* Small deliveries of one tenant and signal are written together, in order of arrival. When that
  fails they are tried one by one, so that one that cannot be stored costs its neighbours nothing.
* A full disk is nobody's fault: the deliveries in hand are held and tried until it has room.
  Nor is a store that refuses one delivery after another: nothing is buried until it takes one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque

from otel_vector.errors import RetryableError
from otel_vector.inbox.contract import Delivery
from otel_vector.ingest.loop import Loop
from otel_vector.ingest.pipeline import Pipeline, Prepared
from otel_vector.ingest.queue import Queue
from otel_vector.ingest.sink import Sink
from otel_vector.ingest.stages import Stages
from otel_vector.settings.config import IngestConfig
from otel_vector.telemetry import PartHealth

__all__ = ["Worker"]

_TAKE = 256  # deliveries taken at once
_WAIT_S = 0.25  # how long a take waits, so that a stop and a due checkpoint are seen
_GROUP_BYTES = 192 << 10  # bodies written together: some 512 spans
_SCRUB_S = 2.0  # between two scrubs at quiet moments, when something was acked
_LONGEST_UNSCRUBBED_S = 3600.0  # dead letters expire without that
_CHECKPOINT_SHARE = 16  # a checkpoint that took long is followed by this many times as long …
_LONGEST_INTERVAL_S = 5.0  # … without one, within bounds
_FIRST_RETRY_S = 0.2
_LONGEST_RETRY_S = 30.0
_REASON_CHARS = 500
_OUTAGE = 3  # deliveries refused in a row, by the store, after which it is at fault, not they

_log = logging.getLogger(__name__)


class Worker:
    """Moves deliveries from the inbox into the store, in one thread."""

    def __init__(
        self, queue: Queue, pipeline: Pipeline, sink: Sink, config: IngestConfig, stages: Stages
    ) -> None:
        self._queue = queue
        self._pipeline = pipeline
        self._sink = sink
        self._config = config
        self._stages = stages
        self._in_hand: deque[Delivery] = deque()
        self._done: list[int] = []
        self._refused: set[int] = set()
        self._hurry = threading.Event()
        self._last_checkpoint = time.monotonic()
        self._interval_s = config.checkpoint_s
        self._last_scrub = time.monotonic()
        self._scrub_due = False
        self._loop = Loop(
            "ingest", self, "requests wait in the inbox; look at the disk and the data folder"
        )

    def start(self) -> None:
        """Start the thread."""
        self._loop.start()

    def stop(self, deadline_s: float) -> bool:
        """Finish the delivery in hand, checkpoint, ack; return whether that was in time."""
        return self._loop.stop(deadline_s)

    def hurry(self) -> None:
        """Checkpoint as soon as the inbox has nothing more to take."""
        self._hurry.set()

    def health(self) -> PartHealth:
        """Return whether the worker works, and when it last made things durable."""
        health = self._loop.health()
        if not health.ok:
            return health
        if self._is_outage():
            return PartHealth(health.name, ok=False, detail=self._outage())
        age_s = self.checkpoint_age_s()
        return PartHealth(health.name, ok=True, detail=f"last checkpoint {age_s:.1f} s ago")

    def checkpoint_age_s(self) -> float:
        """Return the seconds since the last checkpoint, or since the start."""
        return time.monotonic() - self._last_checkpoint

    def step(self) -> None:
        """Store one group of deliveries, with what is due around it."""
        if self._unsaved() and self._due_s() <= 0:
            self._checkpoint()
        if not self._in_hand:
            self._in_hand.extend(
                self._queue.take(_TAKE, self._config.take_bytes, min(_WAIT_S, self._due_s()))
            )
        if self._in_hand:
            self._handle(self._next_group())
        else:
            self._quiet()

    def finish(self) -> None:
        """Checkpoint and ack what was stored; what is in hand is delivered again."""
        if self._unsaved():
            self._checkpoint()
        self._scrub()

    def _unsaved(self) -> bool:
        return bool(self._done) or self._sink.dirty

    def _due_s(self) -> float:
        if not self._unsaved():
            return _WAIT_S
        # Checkpoints are spaced out only while there is more to store meanwhile.
        interval_s = self._interval_s if self._in_hand else self._config.checkpoint_s
        return max(0.0, interval_s - self.checkpoint_age_s())

    def _next_group(self) -> list[Delivery]:
        """Remove and return the first delivery and those right after it that go with it.

        None overtakes another of its tenant and signal: who finds the last thing that an
        application has sent finds what it sent before, too.
        """
        first = self._in_hand.popleft()
        group, size, rest, is_open = [first], len(first.envelope.body), deque[Delivery](), True
        for delivery in self._in_hand:
            if not is_open or not _is_alike(first, delivery):
                rest.append(delivery)
                continue
            size += len(delivery.envelope.body)
            is_open = size <= _GROUP_BYTES and self._pipeline.joinable(
                first.envelope, delivery.envelope
            )
            (group if is_open else rest).append(delivery)
        self._in_hand = rest
        return group

    def _handle(self, group: list[Delivery]) -> None:
        """Store a group; on a fault of one, each by itself.

        Raises:
            RetryableError: nothing can be stored at the moment; what was not is in hand again,
                or will be taken again.
        """
        waiting = deque([group])
        while waiting:
            current = waiting.popleft()
            try:
                self._attempt(current, waiting)
            except RetryableError:
                self._in_hand.extendleft(reversed([*current, *(d for g in waiting for d in g)]))
                raise
        if self._is_outage():
            raise RetryableError(self._outage())

    def _attempt(self, group: list[Delivery], waiting: deque[list[Delivery]]) -> None:
        try:
            self._store(group)
        except RetryableError:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever a delivery can make our code raise
            if len(group) > 1:
                waiting.extend([delivery] for delivery in group)
            else:
                self._failed(group[0], error)

    def _store(self, group: list[Delivery]) -> None:
        prepared = self._pipeline.prepare([delivery.envelope for delivery in group])
        if not prepared.is_empty:
            self._write(group, prepared)
        self._done += [delivery.id for delivery in group]
        self._stages.deliveries.add(len(group), "stored")

    def _write(self, group: list[Delivery], prepared: Prepared) -> None:
        tenant = group[0].envelope.tenant
        try:
            if prepared.functions.drafts:
                self._sink.define(tenant, prepared.functions)
            if prepared.has_items:
                self._sink.write(tenant, prepared.batch)
        except RetryableError:
            raise
        except Exception:  # counted, whatever it is, and raised again for the caller to judge
            if len(group) == 1:
                self._refused.add(group[0].id)
            raise
        self._refused.clear()

    def _is_outage(self) -> bool:
        return len(self._refused) >= _OUTAGE

    def _outage(self) -> str:
        return f"the store has refused {len(self._refused)} deliveries and taken none since"

    def _failed(self, delivery: Delivery, error: Exception) -> None:
        if delivery.attempt >= self._config.max_attempts and not self._is_outage():
            self._bury(delivery, error)
            return
        delay_s = min(_FIRST_RETRY_S * 2.0**delivery.attempt, _LONGEST_RETRY_S)
        self._queue.retry_later([delivery.id], delay_s)
        _log.warning(
            "a delivery could not be stored (%s) and is tried again in %.1f s, try %d",
            type(error).__name__,
            delay_s,
            delivery.attempt + 1,
        )
        self._stages.deliveries.add(1, "retried")

    def _bury(self, delivery: Delivery, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"[:_REASON_CHARS]
        self._queue.bury(delivery.id, reason.encode("utf-8", "replace").decode())
        self._stages.deliveries.add(1, "buried")
        # The message may quote what was sent, which has not been redacted: only the dead
        # letter, which holds the body anyway, tells it.
        _log.error(
            "a delivery could not be stored in %d tries (%s) and is kept as a dead letter; "
            "otel-vector deadletter list shows it",
            self._config.max_attempts,
            type(error).__name__,
        )

    def _checkpoint(self) -> None:
        done = len(self._done)
        began = time.monotonic()
        self._sink.checkpoint()
        self._last_checkpoint = time.monotonic()
        took_s = self._last_checkpoint - began
        paced_s = min(_CHECKPOINT_SHARE * took_s, _LONGEST_INTERVAL_S)
        self._interval_s = max(self._config.checkpoint_s, paced_s)
        self._queue.ack(self._done[:done])
        del self._done[:done]
        self._scrub_due = self._scrub_due or bool(done)

    def _quiet(self) -> None:
        if self._hurry.is_set():
            self._hurry.clear()
            if self._unsaved():
                self._checkpoint()
        rested_s = time.monotonic() - self._last_scrub
        is_due = rested_s >= (_SCRUB_S if self._scrub_due else _LONGEST_UNSCRUBBED_S)
        if is_due and not self._done:
            self._scrub()

    def _scrub(self) -> None:
        self._queue.scrub()
        self._last_scrub = time.monotonic()
        self._scrub_due = False


def _is_alike(one: Delivery, other: Delivery) -> bool:
    first, second = one.envelope, other.envelope
    return (first.tenant, first.signal) == (second.tenant, second.signal)
