"""Sends what waits in a spool, as long as this process is the one that may.

::

    lock ─ taken by another: look again later
      │
    take ─▶ send ─▶ taken: ack              away, faulty: again after .5, 1, 2 … 30 s
                    refused: dead letter    busy: again when it says
                                            denied: again after 30 s, and a line in the log

What is taken stays in the spool until the collector has it, so whatever happens to this process it
is sent again by the next one; the collector keeps what comes twice once.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.errors import StoreDamagedError
from otel_vector.exporter.bell import Bell
from otel_vector.exporter.folder import SenderLock
from otel_vector.exporter.notices import Notices
from otel_vector.exporter.outcomes import Away, Busy, Denied, Faulty, Outcome, Refused, Taken, Way
from otel_vector.exporter.suppressed import suppressed
from otel_vector.exporter.tally import Tally
from otel_vector.inbox.contract import Delivery, Envelope
from otel_vector.spans.meanings import Signal
from otel_vector.wiring import Spool

__all__ = ["Sender"]

_POLL_S: Final = 0.25  # how soon what other processes put is seen, and that a sender has gone
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_LEAST_WISH_S, _LONGEST_WISH_S = 0.25, 3600.0  # who asks to come back at once is not flooded
_TRIES: Final = 10  # of a request over which the collector itself fails
_AT_ONCE: Final = 4
_BYTES_AT_ONCE: Final = 256 << 10
_LETTERS: Final = 100
_SCRUB_BYTES: Final = 64 << 20
_CUT_OFF_S: Final = 1.0  # how long a call that was cancelled may take to end


class Sender:
    """A thread that empties a spool into a collector.

    Args:
        folder: the spool's, where its lock is.
        spool: what is sent.
        make_way: connects to the collector.
        tally: counts what was sent and refused.
        notices: says why nothing is sent.

    Attributes:
        is_damaged: the spool cannot be read, so nothing of it will be sent.
    """

    def __init__(
        self,
        folder: Path,
        spool: Spool,
        make_way: Callable[[], Way],
        tally: Tally,
        notices: Notices,
    ) -> None:
        self._spool = spool
        self._make_way = make_way
        self._tally = tally
        self._notices = notices
        self._lock = SenderLock(folder)
        self._way: Way | None = None
        self._wake = Bell()
        self._stopped = False
        self._is_urgent = False
        self._follows = False
        self._pauses = 0
        self._failures = 0
        self._bytes_since_scrub = 0
        self._is_behind = True
        self.is_damaged = False
        self._thread = threading.Thread(target=self._run, name="otel-vector-sender", daemon=True)

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: the process is ending.
        """
        self._thread.start()

    def wake(self) -> None:
        """Say that something was put."""
        self._wake.ring()

    def delivered(self, up_to: int, deadline: float) -> bool:
        """Wait until all up to an id has left the spool.

        Args:
            up_to: id of an envelope.
            deadline: monotonic seconds.

        Returns:
            False at the deadline, or as soon as an attempt to send has failed.
        """
        failures = self._failures
        self._is_urgent = True
        self._wake.ring()
        while self._spool.waits(up_to):
            away = self._lock.told_away() if self._follows else self._failures > failures
            left_s = deadline - time.monotonic()
            if away or left_s <= 0 or not self._thread.is_alive():
                return False
            time.sleep(min(0.01, left_s))
        return True

    def stop(self, deadline: float) -> bool:
        """End the thread, giving up what is under way at the deadline; return whether it ended."""
        self._stopped = True
        self._wake.ring()
        if self._thread.is_alive():
            self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._way is not None:
            self._way.close()
        if self._thread.is_alive():
            self._thread.join(_CUT_OFF_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with suppressed():
                while not self._stopped:
                    self._round()
        finally:
            self._lock.close()

    def _round(self) -> None:
        try:
            self._follows = not self._lock.acquire()
            busy = not self._follows and self._lead()
        except Exception as error:  # noqa: BLE001 -- whatever it is, what waits is sent later
            self._notices.fault("sender", "what waits for the collector is sent later")
            self.is_damaged = isinstance(error, StoreDamagedError)
            busy, self._is_behind, self._pauses = False, True, self._pauses + 1
            self._rest(self._pause_s())
        if not busy:
            self._rest(_POLL_S)

    def _lead(self) -> bool:
        """Send some of what waits; return whether there was any."""
        if self._way is None:
            self._way = self._make_way()
            self._lock.tell(away=False)
        if self._is_behind:
            self._spool.recover()
            self._is_behind = False
        deliveries = self._spool.take(_AT_ONCE, _BYTES_AT_ONCE, 0)
        done: list[int] = []
        for delivery in deliveries:
            if not self._settled(delivery, done):
                break
        if done:
            self._spool.ack(done)
        if not deliveries and self._bytes_since_scrub > _SCRUB_BYTES:
            self._bytes_since_scrub = 0
            self._spool.scrub()
        return bool(deliveries)

    def _settled(self, delivery: Delivery, done: list[int]) -> bool:
        """Send until the collector has it or will never take it; False if stopped before."""
        envelope, tries = delivery.envelope, 0
        while not self._stopped:
            outcome = self._sent(envelope)
            tries += isinstance(outcome, Faulty)
            if isinstance(outcome, Taken):
                self._took(envelope, outcome)
                done.append(delivery.id)
                return True
            if isinstance(outcome, Refused) or tries >= _TRIES:
                self._bury(delivery, outcome)
                return True
            if done:
                self._spool.ack(done)
                done.clear()
            self._wait_after(outcome)
        return False

    def _sent(self, envelope: Envelope) -> Outcome:
        assert self._way is not None
        outcome = self._way.send(envelope.signal, envelope.body)
        answers = isinstance(outcome, Taken | Refused | Busy)
        if answers:
            self._pauses = 0
        self._lock.tell(away=not answers)
        return outcome

    def _took(self, envelope: Envelope, outcome: Taken) -> None:
        items = _count(envelope)
        rejected = min(outcome.rejected, items)
        self._tally.sent(envelope.signal, items - rejected)
        self._bytes_since_scrub += len(envelope.body)
        if rejected:
            self._tally.dropped("rejected", envelope.signal, rejected)
            self._notices.warn(
                "rejected", "the collector rejected %d items: %s", rejected, outcome.detail
            )

    def _bury(self, delivery: Delivery, outcome: Outcome) -> None:
        detail = getattr(outcome, "detail", "")
        self._spool.bury(delivery.id, f"refused: {detail}"[:500])
        self._tally.dropped("refused", delivery.envelope.signal, _count(delivery.envelope))
        self._notices.warn("refused", "the collector refused a request: %s", detail)
        letters = self._spool.list(_LETTERS * 2)
        if len(letters) > _LETTERS:
            self._spool.drop([letter.id for letter in letters[_LETTERS:]])

    def _wait_after(self, outcome: Outcome) -> None:
        if isinstance(outcome, Busy):
            wish_s = min(max(outcome.delay_s, _LEAST_WISH_S), _LONGEST_WISH_S)
            self._rest(wish_s, may_hurry=False)
            return
        self._failures += 1
        self._pauses += 1
        if isinstance(outcome, Denied):
            self._notices.warn(
                "denied",
                "the collector takes nothing of this process: %s; look at exporter.endpoint,"
                " api_key and client.tenant; what comes waits on disk",
                outcome.detail,
            )
            self._rest(_LONGEST_PAUSE_S)
            return
        assert isinstance(outcome, Away | Faulty)
        self._notices.warn(
            "away", "the collector does not answer: %s; what comes waits on disk", outcome.detail
        )
        self._rest(self._pause_s())

    def _pause_s(self) -> float:
        doublings = min(self._pauses - 1, 10)
        return min(_FIRST_PAUSE_S * (1 << doublings), _LONGEST_PAUSE_S) * random.uniform(0.5, 1.0)

    def _rest(self, delay_s: float, *, may_hurry: bool = True) -> None:
        """Do nothing for so long, or until somebody waits for delivery or for the end."""
        until = time.monotonic() + delay_s
        is_short = delay_s <= _POLL_S
        while not self._stopped:
            left_s = until - time.monotonic()
            if left_s <= 0 or (may_hurry and self._is_urgent):
                break
            if self._wake.wait(left_s) and is_short:
                break
        if may_hurry:
            self._is_urgent = False


def _count(envelope: Envelope) -> int:
    """Return how many items a request of ours has; one that the disk has spoilt counts as one."""
    try:
        if envelope.signal is Signal.SPANS:
            spans = TracesData.FromString(envelope.body).resource_spans
            return sum(len(scope.spans) for resource in spans for scope in resource.scope_spans)
        logs = LogsData.FromString(envelope.body).resource_logs
        return sum(len(scope.log_records) for resource in logs for scope in resource.scope_logs)
    except DecodeError:
        return 1
