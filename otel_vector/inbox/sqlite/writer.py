"""The one thread of a process that puts: whatever waits shares one commit and one sync.

A slow sync makes the next group larger, so that the cost of an envelope falls as more come.
Counters ride on the same commits; alone they are written once a second.

The thread runs in the context of whoever put first: one who keeps its own work out of traces keeps
that of this thread out of them. Where none can be started any more, at the end of the process,
`close` commits what waits in its caller's.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeAlias

from otel_vector.errors import InboxFullError, RetryableError, StorageFullError
from otel_vector.inbox.contract import Envelope
from otel_vector.inbox.sqlite.checkpoints import Checkpointer
from otel_vector.inbox.sqlite.files import Connection, Files
from otel_vector.inbox.sqlite.rows import insert_waiting, totals
from otel_vector.settings.config import InboxConfig

__all__ = ["Writer"]

_LOG = logging.getLogger(__name__)
_GROUP_BYTES = 16 << 20
_QUEUE_BYTES = 256 << 20
_COUNTERS_EVERY_S = 1.0
_DISK_EVERY_S = 0.25

_Pair: TypeAlias = tuple[Envelope, "Future[int]"]


class Writer:
    """Queues envelopes in memory until the next commit; starts its thread when first used."""

    def __init__(self, files: Files, config: InboxConfig, checkpointer: Checkpointer) -> None:
        self._files = files
        self._config = config
        self._checkpointer = checkpointer
        self._queue: deque[_Pair] = deque()
        self._queued_bytes = 0
        self._counters: Counter[str] = Counter()
        self._wake = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._disk_seen_at = 0.0
        self._free_bytes = 0

    def submit(self, envelope: Envelope) -> Future[int]:
        """Queue an envelope; the future ends once it is durable or refused."""
        future: Future[int] = Future()
        with self._wake:
            refusal = self._refusal(len(envelope.body))
            if refusal is None:
                self._queue.append((envelope, future))
                self._queued_bytes += len(envelope.body)
                self._started()
                self._wake.notify()
        if refusal is not None:
            future.set_exception(refusal)
        return future

    def count(self, name: str, n: int) -> None:
        """Add to a counter; written with the next commit or within a second."""
        with self._wake:
            self._counters[name] += n
            self._started()

    def uncommitted(self) -> Mapping[str, int]:
        """Return the counts that are not written yet."""
        with self._wake:
            return dict(self._counters)

    def close(self) -> None:
        """Commit what is queued and end the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify()
            thread = self._thread
        if thread is not None:
            thread.join()
        elif self._queue:
            self._run()

    def _refusal(self, size: int) -> RetryableError | None:
        if self._closed:
            return RetryableError("the inbox is closing; send it again", self._config.retry_s)
        if self._queue and self._queued_bytes + size > _QUEUE_BYTES:
            return InboxFullError(
                f"{self._queued_bytes} bytes wait for the disk; send it again later",
                self._config.retry_s,
            )
        return None

    def _started(self) -> None:
        if self._thread is None:
            thread = threading.Thread(
                target=copy_context().run, args=(self._run,), name="inbox-writer", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:
                _LOG.debug("no thread can be started; what waits is committed by close")
            else:
                self._thread = thread

    def _run(self) -> None:
        """Commit until closed; a fault goes to whoever waits, and the next put starts anew."""
        try:
            self._commit_groups()
        except Exception as error:  # noqa: BLE001 -- it goes to whoever waits for a future
            _LOG.exception("the thread that writes the inbox failed; the next put starts another")
            with self._wake:
                self._thread = None
                abandoned = list(self._queue)
                self._queue.clear()
                self._queued_bytes = 0
            for _, future in abandoned:
                if future.set_running_or_notify_cancel():
                    future.set_exception(error)

    def _commit_groups(self) -> None:
        connection = Connection(self._files, "FULL")
        try:
            while True:
                group = self._next_group()
                if group or self._counters:
                    self._commit(connection, group)
                    self._checkpointer.consider()
                elif self._closed:
                    return
        finally:
            connection.close()

    def _next_group(self) -> list[_Pair]:
        with self._wake:
            if not self._queue and not self._closed:
                self._wake.wait(_COUNTERS_EVERY_S)
            group: list[_Pair] = []
            size = 0
            while self._queue and size < _GROUP_BYTES:
                pair = self._queue.popleft()
                size += len(pair[0].body)
                if pair[1].set_running_or_notify_cancel():
                    group.append(pair)
            self._queued_bytes -= size
            return group

    def _commit(self, connection: Connection, group: Sequence[_Pair]) -> None:
        counters = self._taken_counters()
        try:
            self._check_disk()
            with connection.writing() as sql:
                admitted = self._admitted(sql, group)
                ids = insert_waiting(sql, [envelope for envelope, _ in admitted])
                _add_counters(sql, counters)
        except Exception as error:  # noqa: BLE001 -- it goes to whoever waits for the future
            self._put_back(counters)
            for _, future in group:
                future.set_exception(error)
            return
        self._answer(group, admitted, ids)

    def _answer(
        self, group: Sequence[_Pair], admitted: Sequence[_Pair], ids: Sequence[int]
    ) -> None:
        for (_, future), assigned in zip(admitted, ids, strict=True):
            future.set_result(assigned)
        for _, future in group[len(admitted) :]:
            future.set_exception(
                InboxFullError(
                    f"the inbox holds its {self._config.max_bytes} bytes (inbox.max_bytes); "
                    "send it again later",
                    self._config.retry_s,
                )
            )

    def _admitted(self, sql: sqlite3.Connection, group: Sequence[_Pair]) -> list[_Pair]:
        """Return the first envelopes of the group that fit; the order of arrival is kept."""
        room = self._config.max_bytes - totals(sql)[1]
        admitted = []
        for pair in group:
            room -= len(pair[0].body)
            if room < 0:
                break
            admitted.append(pair)
        return admitted

    def _check_disk(self) -> None:
        """Refuse before the disk is full, since the engine needs some of it to make room.

        Raises:
            StorageFullError: less is free than `inbox.min_free_bytes`.
        """
        now = time.monotonic()
        if now - self._disk_seen_at > _DISK_EVERY_S:
            self._disk_seen_at = now
            self._free_bytes = self._files.free_bytes()
        if self._free_bytes < self._config.min_free_bytes:
            raise StorageFullError(
                f"{self._free_bytes} bytes are free at {self._files.folder}, fewer than "
                f"inbox.min_free_bytes = {self._config.min_free_bytes}; free disk space",
                self._config.retry_s,
            )

    def _taken_counters(self) -> Counter[str]:
        with self._wake:
            counters, self._counters = self._counters, Counter()
            return counters

    def _put_back(self, counters: Counter[str]) -> None:
        with self._wake:
            if not self._closed:
                self._counters.update(counters)


def _add_counters(sql: sqlite3.Connection, counters: Mapping[str, int]) -> None:
    sql.executemany(
        "INSERT INTO counters VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
        list(counters.items()),
    )
