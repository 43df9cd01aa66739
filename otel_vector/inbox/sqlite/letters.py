"""Dead letters: deliveries that failed by a fault of ours, kept until they expire."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence

from otel_vector.errors import InboxFullError, NotFoundError
from otel_vector.inbox.contract import DeadLetter
from otel_vector.inbox.sqlite.files import Connection, Files, translated
from otel_vector.inbox.sqlite.rows import (
    ENVELOPE,
    chunked,
    envelope_from,
    insert_waiting,
    marks,
    totals,
)
from otel_vector.inbox.sqlite.taker import delete_waiting
from otel_vector.settings.config import InboxConfig

__all__ = ["Letters"]

_COLUMNS = f"id, reason, died_ns, attempt, {ENVELOPE}"


class Letters:
    """Moves deliveries between the tables `waiting` and `dead`."""

    def __init__(self, files: Files, config: InboxConfig) -> None:
        self._files = files
        self._config = config
        self._connection = Connection(files, "FULL")
        self._lock = threading.Lock()

    def bury(self, delivery_id: int, reason: str) -> None:
        """See `DeadLetters.bury`. Letters that expired go at the same time."""
        now = time.time_ns()
        with self._lock, self._connection.writing() as sql:
            sql.execute(
                f"INSERT INTO dead (id, reason, died_ns, attempt, size, body, {ENVELOPE}) "  # noqa: S608
                f"SELECT id, ?, ?, attempt, size, body, {ENVELOPE} FROM waiting WHERE id = ?",
                (reason, now, delivery_id),
            )
            delete_waiting(sql, [delivery_id])
            self._drop_expired(sql, now)

    def expire(self) -> None:
        """Delete the letters that are older than `inbox.dead_letter_ttl_s`."""
        with self._lock, self._connection.writing() as sql:
            self._drop_expired(sql, time.time_ns())

    def list(self, limit: int) -> list[DeadLetter]:
        """See `DeadLetters.list`."""
        with self._lock, translated(f"the inbox {self._files.folder} cannot be read"):
            rows = self._connection.rows(
                f"SELECT {_COLUMNS} FROM dead WHERE died_ns > ? "  # noqa: S608
                "ORDER BY died_ns DESC, id DESC LIMIT ?",
                (self.oldest_ns(time.time_ns()), limit),
            )
        return [_letter(row, b"") for row in rows]

    def show(self, letter_id: int) -> DeadLetter:
        """See `DeadLetters.show`."""
        with self._lock, translated(f"the inbox {self._files.folder} cannot be read"):
            rows = self._connection.rows(
                f"SELECT {_COLUMNS}, body FROM dead WHERE id = ? AND died_ns > ?",  # noqa: S608
                (letter_id, self.oldest_ns(time.time_ns())),
            )
        if not rows:
            raise NotFoundError(f"there is no dead letter {letter_id}; list them to see the ids")
        (row,) = rows
        return _letter(row[:-1], row[-1])

    def retry(self, ids: Sequence[int]) -> int:
        """See `DeadLetters.retry`: all of them go back, or none.

        Raises:
            InboxFullError: they do not fit the inbox's bound.
        """
        back = 0
        with self._lock, self._connection.writing() as sql:
            for part in chunked(ids):
                rows = sql.execute(
                    f"SELECT {_COLUMNS}, body FROM dead WHERE id IN ({marks(part)}) ORDER BY id",  # noqa: S608
                    part,
                ).fetchall()
                insert_waiting(sql, [_letter(row[:-1], row[-1]).envelope for row in rows])
                _delete(sql, part)
                back += len(rows)
            if totals(sql)[1] > self._config.max_bytes:
                raise InboxFullError(
                    "the dead letters do not fit the inbox (inbox.max_bytes); retry fewer or later"
                )
        return back

    def drop(self, ids: Sequence[int]) -> int:
        """See `DeadLetters.drop`."""
        with self._lock, self._connection.writing() as sql:
            return sum(_delete(sql, part) for part in chunked(ids))

    def oldest_ns(self, now_ns: int) -> int:
        """Return the time of death up to which letters are expired."""
        return now_ns - int(self._config.dead_letter_ttl_s * 1e9)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    def _drop_expired(self, sql: sqlite3.Connection, now_ns: int) -> None:
        sql.execute("DELETE FROM dead WHERE died_ns <= ?", (self.oldest_ns(now_ns),))


def _letter(row: Sequence[object], body: bytes) -> DeadLetter:
    letter_id, reason, died_ns, attempt, *envelope = row
    return DeadLetter(
        id=int(str(letter_id)),
        reason=str(reason),
        died_ns=int(str(died_ns)),
        attempt=int(str(attempt)),
        envelope=envelope_from(envelope, body),
    )


def _delete(sql: sqlite3.Connection, ids: Sequence[int]) -> int:
    return sql.execute(f"DELETE FROM dead WHERE id IN ({marks(ids)})", ids).rowcount  # noqa: S608
