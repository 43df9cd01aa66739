"""The one place in a process through which items leave for one destination.

::

    on_end, export ─▶ items ─▶ [thread: encode, redact] ─▶ destination: spool, or the store's inbox

Every exporter and processor of the same settings shares an outlet; the last one closes it. The
thread wakes for the first item, lingers for more, and works through what is there. Where no thread
can be started any more, at the end of the process, `flush` and `close` do its work.

A fork leaves what waits to the parent. The child starts anew with its first item.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from otel_vector.errors import InboxFullError, OtelVectorError, RetryableError, StorageFullError
from otel_vector.exporter.announcements import pending
from otel_vector.exporter.bell import Bell
from otel_vector.exporter.destinations import Destination
from otel_vector.exporter.encoding import Encoder, Request
from otel_vector.exporter.items import BATCH, Items
from otel_vector.exporter.notices import Notices
from otel_vector.exporter.resources import resource_of
from otel_vector.exporter.suppressed import suppressed
from otel_vector.exporter.tally import Tally
from otel_vector.spans.meanings import Signal

if TYPE_CHECKING:
    from otel_vector.wiring import Engine

__all__ = ["Outlet"]

_LINGER_S: Final = 0.2
_JOIN_S: Final = 1.0


class Outlet:
    """Takes ended spans and log records from any thread, and never makes one wait.

    Args:
        queue_items: spans, and log records, that may wait in memory.
        destination: where requests go.
        make_encoder: makes what redacts and encodes, once the destination is open.
        tally: counts what is sent and lost.
        notices: says what goes wrong.
    """

    def __init__(
        self,
        queue_items: int,
        destination: Destination,
        make_encoder: Callable[[], Encoder],
        tally: Tally,
        notices: Notices,
    ) -> None:
        self.tally = tally
        self._notices = notices
        self._destination = destination
        self._make_encoder = make_encoder
        self._encoder: Encoder | None = None
        self._announced = 0
        self._queue_items = queue_items
        self._spans = Items(queue_items, self._nudge, self._loses(Signal.SPANS))
        self._logs = Items(queue_items, self._nudge, self._loses(Signal.LOGS))
        self.offer_span: Callable[[Any], None] = self._spans.add
        """Take one ended span."""
        self.last_span: Any = None
        """The context of the last span that was put, None before the first."""
        self._closed = False
        self._ends_at: float | None = None
        self._waited_until = 0.0
        self._fresh()

    @property
    def engine(self) -> Engine | None:
        """The store of this process, None if items go to a collector."""
        return self._destination.engine

    @property
    def is_closed(self) -> bool:
        """Whether it takes nothing any more."""
        return self._closed

    def start(self) -> None:
        """Open the destination and start the thread, so that nothing has to be opened at the end.

        Raises:
            OtelVectorError: the store of this process cannot be opened.
        """
        with suppressed():
            self._destination.open()
        self._thread_runs()

    def offer_spans(self, spans: Sequence[Any]) -> bool:
        """Take ended spans; return whether there was room for all of them."""
        return self._spans.add_all(spans)

    def offer_logs(self, records: Sequence[Any]) -> bool:
        """Take log records; return whether there was room for all of them."""
        return self._logs.add_all(records)

    def waiting(self) -> dict[Signal, int]:
        """Return how many items wait in memory."""
        return {Signal.SPANS: len(self._spans), Signal.LOGS: len(self._logs)}

    def spooled(self) -> tuple[int, int]:
        """Return how many requests wait on disk, and their bytes; nothing if it cannot be told."""
        try:
            with suppressed():
                return self._destination.waiting()
        except (OtelVectorError, OSError) as error:
            self._notices.warn("state", "what waits on disk cannot be told: %s", error)
            return 0, 0

    def flush(self, deadline_s: float) -> bool:
        """Wait until everything offered so far is where it is to go.

        Args:
            deadline_s: seconds it may take.

        Returns:
            False at the deadline, or as soon as it is known that the collector is away; then all
            of it waits on disk.
        """
        return self._flush(deadline_s, deadline_s)

    def leave(self, deadline_s: float) -> bool:
        """Flush for a user that goes while others stay; what it waits in vain they wait less."""
        began = time.monotonic()
        done = self._flush(deadline_s, self._patience_s(deadline_s))
        if not done:
            now = time.monotonic()
            self._waited_until = max(now, self._waited_until) + (now - began)
        return done

    def close(self, deadline_s: float) -> bool:
        """Flush, then release everything; what is not delivered is sent by the next process."""
        if self._closed:
            return True
        patience_s = self._patience_s(deadline_s)
        deadline = time.monotonic() + patience_s
        done = self._flush(deadline_s, patience_s)
        self._closed = True
        self._wake.ring()
        self._full.ring()
        thread = self._thread
        if thread is not None:
            thread.join(_JOIN_S)
        with suppressed():
            self._destination.close(deadline)
        self.tally.tell()
        return done

    def end(self, deadline_s: float) -> bool:
        """Flush at the end of the process, and keep at once what still comes, up to the deadline.

        The thread goes on for as long as handlers of `atexit` run, and is cut off by what follows.
        """
        self._ends_at = time.monotonic() + deadline_s
        self._mark(1)
        done = self._flush(deadline_s, self._patience_s(deadline_s))
        with suppressed():
            self._destination.retire()
        self.tally.tell()
        return done

    def abandon(self) -> None:
        """Start anew in a forked child: what waits, and all threads, are the parent's."""
        self._spans.clear()
        self._logs.clear()
        self._encoder = None
        self.last_span = None
        self.tally.renew()
        self._notices.renew()
        self._destination.abandon()
        self._fresh()

    def _fresh(self) -> None:
        self._turn = threading.Lock()
        self._starting = threading.Lock()
        self._wake = Bell()
        self._full = Bell()
        self._requests: deque[threading.Event] = deque()
        self._thread: threading.Thread | None = None
        self._ends_at = None
        self._waited_until = 0.0

    def _flush(self, deadline_s: float, delivery_s: float) -> bool:
        """Wait for the disk until a deadline, and for delivery until one that may be earlier."""
        if self._closed:
            return True
        now = time.monotonic()
        try:
            with suppressed():
                return self._kept(now + deadline_s) and self._destination.delivered(
                    now + delivery_s
                )
        except (OtelVectorError, OSError):
            self._notices.fault("flush", "what was offered could not be waited for")
            return False

    def _patience_s(self, deadline_s: float) -> float:
        """Return how long one that goes waits for delivery.

        Those that go in a row share what one may wait. Each second after them gives one back, so
        that who goes much later has all of it.
        """
        return max(0.0, deadline_s - max(0.0, self._waited_until - time.monotonic()))

    def _loses(self, signal: Signal) -> Callable[[int], None]:
        def lost(items: int) -> None:
            self.tally.dropped("queue_full", signal, items)
            self._nudge()

        return lost

    def _nudge(self) -> None:
        """Wake the thread, or have it linger no longer.

        Never raises, and never waits but for the disk at the end of the process.
        """
        self._wake.ring()
        if len(self._spans) + len(self._logs) >= BATCH:
            self._full.ring()
        if self._thread is None:
            self._thread_runs()
        if self._ends_at is not None and threading.current_thread() is not self._thread:
            with suppressed():
                self._kept(self._ends_at)

    def _mark(self, length: int) -> None:
        """Be nudged by who adds beyond a length; at the end of the process by everybody."""
        self._spans.mark = self._logs.mark = length if self._ends_at is None else 1

    def _thread_runs(self) -> bool:
        """Start the thread if there is none; return whether there is one now."""
        if self._thread is None and self._starting.acquire(blocking=False):
            try:
                if self._thread is None and not self._closed:
                    thread = threading.Thread(target=self._run, name="otel-vector", daemon=True)
                    self._thread = thread
                    thread.start()
            except RuntimeError:  # the process is ending: `flush` does the work
                self._thread = None
                self._mark(self._queue_items + 1)
            finally:
                self._starting.release()
        return self._thread is not None

    def _run(self) -> None:
        try:
            with suppressed():
                while not self._closed:
                    self._sleep()
                    self._work()
        finally:
            self._thread = None  # the next item starts another

    def _sleep(self) -> None:
        """Sleep until there is something to do, then linger for more."""
        self._wake.silence()
        self._mark(1)
        if not (self._spans or self._logs or self._requests or self._closed):
            self._wake.wait(self.tally.tell())
        self._full.silence()
        self._mark(BATCH)
        if len(self._spans) + len(self._logs) < BATCH and not (self._requests or self._closed):
            self._full.wait(_LINGER_S)
        self._mark(self._queue_items + 1)

    def _work(self) -> None:
        """Put all that is there, and tell those who wait for it."""
        requests = [self._requests.popleft() for _ in range(len(self._requests))]
        with self._turn:
            try:
                self._put_all(is_asked=bool(requests))
            except Exception:  # noqa: BLE001 -- the application must not be disturbed
                self._notices.fault("outlet", "some items could not be exported")
        for request in requests:
            request.set()

    def _put_all(self, *, is_asked: bool) -> None:
        spans, logs = len(self._spans), len(self._logs)
        if is_asked and not spans:
            self._put_functions(())
        while spans > 0 or logs > 0:
            self._put(Signal.SPANS, self._spans.take())
            self._put(Signal.LOGS, self._logs.take())
            spans, logs = spans - BATCH, logs - BATCH

    def _put(self, signal: Signal, items: Sequence[Any]) -> None:
        """Put some items, after the functions that they may be of."""
        if not items:
            return
        if signal is Signal.SPANS:
            self._put_functions(items)
        try:
            for request in self._ready().requests(signal, items):
                self._keep(request)
            if signal is Signal.SPANS:
                self.last_span = items[-1].context
        except Exception:  # noqa: BLE001 -- what cannot be exported must not stop the rest
            self._notices.fault("outlet", "%d items could not be exported", len(items))
            self.tally.dropped("fault", signal, len(items))

    def _put_functions(self, spans: Sequence[Any]) -> None:
        records, announced = pending(self._announced)
        if not records:
            return
        for request in self._ready().functions(records, resource_of(spans)):
            self._keep(request)
        self._announced = announced

    def _ready(self) -> Encoder:
        if self._encoder is None:
            self._destination.open()
            self._encoder = self._make_encoder()
        return self._encoder

    def _keep(self, request: Request) -> None:
        try:
            self._destination.put(request.signal, request.body, request.items)
        except InboxFullError:
            self.tally.dropped("spool_full", request.signal, request.items)
        except (StorageFullError, RetryableError, OtelVectorError) as error:
            self.tally.dropped("disk", request.signal, request.items)
            self._notices.warn("disk", "the spool cannot be written: %s", error)

    def _kept(self, deadline: float) -> bool:
        """Wait until what was offered so far is kept on disk or counted as dropped."""
        if not self._thread_runs():
            self._requests.append(threading.Event())
            self._work()
            return True
        request = threading.Event()
        self._requests.append(request)
        self._wake.ring()
        self._full.ring()
        return request.wait(max(0.0, deadline - time.monotonic()))
