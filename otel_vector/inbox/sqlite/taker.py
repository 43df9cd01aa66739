"""The engine's side: takes in order of arrival, acks, hands out again.

What was taken is remembered in this process only: after a crash all of it is there again.
Ids below `_next` are taken, acked, or waiting in `_later` for their time::

    1 … taken … acked … later(due) …  │ _next … arrived, not taken yet …
"""

from __future__ import annotations

import heapq
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence

from otel_vector.inbox.contract import Delivery
from otel_vector.inbox.sqlite.checkpoints import Checkpointer
from otel_vector.inbox.sqlite.files import Connection, Files, translated
from otel_vector.inbox.sqlite.rows import ENVELOPE, add_totals, chunked, envelope_from, marks

__all__ = ["Taker", "delete_waiting"]

_POLL_S = 0.015
_ACK_BYTES = 4 << 20
"""Deleted bodies are overwritten; so many bytes at once keep a put waiting for some 10 ms."""


class Taker:
    """Takes and acks. Several threads may call it."""

    def __init__(self, files: Files, checkpointer: Checkpointer) -> None:
        self._files = files
        self._checkpointer = checkpointer
        self._reader = Connection(files, "NORMAL")
        self._reading = threading.Lock()
        self._writer = Connection(files, "NORMAL")
        self._writing = threading.Lock()
        self._next = 0
        self._later: list[tuple[float, int]] = []

    def recover(self) -> None:
        """Make everything that is not acked available again."""
        with self._reading:
            self._next = 0
            self._later = []

    def take(self, limit: int, max_bytes: int, wait_s: float) -> list[Delivery]:
        """See `Inbox.take`."""
        deadline = time.monotonic() + wait_s
        while True:
            taken = self._take_now(limit, max_bytes)
            left_s = deadline - time.monotonic()
            if taken or left_s <= 0:
                return taken
            time.sleep(min(_POLL_S, left_s))

    def ack(self, ids: Sequence[int]) -> None:
        """See `Inbox.ack`. Done in steps, so that puts get their turn between them."""
        with self._writing:
            for step in self._steps(ids):
                with self._writer.writing() as sql:
                    delete_waiting(sql, step)
                self._checkpointer.consider()

    def retry_later(self, ids: Sequence[int], delay_s: float) -> None:
        """See `Inbox.retry_later`. The attempt is stored, the delay is not."""
        with self._writing, self._writer.writing() as sql:
            for part in chunked(ids):
                sql.execute(
                    f"UPDATE waiting SET attempt = attempt + 1 WHERE id IN ({marks(part)})",  # noqa: S608
                    part,
                )
        due = time.monotonic() + delay_s
        with self._reading:
            for delivery_id in ids:
                heapq.heappush(self._later, (due, delivery_id))

    def close(self) -> None:
        """Close both connections."""
        with self._reading, self._writing:
            self._reader.close()
            self._writer.close()

    def _take_now(self, limit: int, max_bytes: int) -> list[Delivery]:
        with self._reading, translated(f"the inbox {self._files.folder} cannot be read"):
            taken = self._take_due(limit, max_bytes)
            size = sum(len(delivery.envelope.body) for delivery in taken)
            if len(taken) < limit and (size < max_bytes or not taken):
                taken += self._take_new(
                    limit - len(taken), max_bytes - size, at_least=0 if taken else 1
                )
            return taken

    def _take_due(self, limit: int, max_bytes: int) -> list[Delivery]:
        now = time.monotonic()
        taken: list[Delivery] = []
        while self._later and self._later[0][0] <= now and len(taken) < limit:
            _, delivery_id = self._later[0]
            found = self._deliveries("id = ?", (delivery_id,))
            size = sum(len(delivery.envelope.body) for delivery in found)
            if taken and size > max_bytes:
                break
            heapq.heappop(self._later)
            taken += found
            max_bytes -= size
        return taken

    def _take_new(self, limit: int, max_bytes: int, *, at_least: int) -> list[Delivery]:
        sizes = self._reader.rows(
            "SELECT id, size FROM waiting WHERE id >= ? ORDER BY id LIMIT ?", (self._next, limit)
        )
        fit = 0
        last = 0
        for delivery_id, size in sizes:
            max_bytes -= size
            if max_bytes < 0 and fit >= at_least:
                break
            last = delivery_id
            fit += 1
        if not fit:
            return []
        taken = self._deliveries("id BETWEEN ? AND ?", (self._next, last))
        self._next = last + 1
        return taken

    def _deliveries(self, where: str, parameters: tuple[int, ...]) -> list[Delivery]:
        rows = self._reader.rows(
            f"SELECT id, attempt, body, {ENVELOPE} FROM waiting WHERE {where} ORDER BY id",  # noqa: S608
            parameters,
        )
        return [
            Delivery(id=row[0], attempt=row[1], envelope=envelope_from(row[3:], row[2]))
            for row in rows
        ]

    def _steps(self, ids: Sequence[int]) -> Iterator[list[int]]:
        """Cut ids into steps of so many bytes; ids that are not there are left out."""
        step: list[int] = []
        size = 0
        for part in chunked(ids):
            found = self._writer.rows(
                f"SELECT id, size FROM waiting WHERE id IN ({marks(part)})",  # noqa: S608
                part,
            )
            for delivery_id, body_size in found:
                step.append(delivery_id)
                size += body_size
                if size >= _ACK_BYTES:
                    yield step
                    step, size = [], 0
        if step:
            yield step


def delete_waiting(sql: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Delete envelopes and take them off the sums, within a write transaction."""
    for part in chunked(ids):
        inside = f"FROM waiting WHERE id IN ({marks(part)})"
        pending, size = sql.execute(
            f"SELECT count(*), coalesce(sum(size), 0) {inside}",
            part,
        ).fetchone()
        sql.execute(f"DELETE {inside}", part)
        add_totals(sql, -pending, -size)
