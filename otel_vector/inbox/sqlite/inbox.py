"""The inbox as one object: `Inbox`, `DeadLetters` and `Intake` over the same files.

Any number of processes may put, one takes. Connections and threads are opened when first used,
so that a door holds none of the engine's and the other way round.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from otel_vector.inbox.contract import DeadLetter, Delivery, Envelope, InboxState
from otel_vector.inbox.sqlite.checkpoints import Checkpointer, truncate_log
from otel_vector.inbox.sqlite.files import Connection, Files, translated
from otel_vector.inbox.sqlite.letters import Letters
from otel_vector.inbox.sqlite.taker import Taker
from otel_vector.inbox.sqlite.writer import Writer
from otel_vector.settings.config import InboxConfig

__all__ = ["SqliteInbox"]

_PAGES_AT_ONCE = 256


class SqliteInbox:
    """A durable queue in a folder of its own.

    Args:
        path: the folder.
        config: its bounds.
        in_application: this is a process that does other work, and that may fork.

    Raises:
        StorageFullError: the folder cannot be written.
        StoreVersionError: a newer version wrote it.
        StoreDamagedError: its file is not an inbox.
    """

    def __init__(self, path: Path, config: InboxConfig, *, in_application: bool = False) -> None:
        self._files = Files(path, in_application=in_application)
        self._checkpointer = Checkpointer(self._files)
        self._writer = Writer(self._files, config, self._checkpointer)
        self._taker = Taker(self._files, self._checkpointer)
        self._letters = Letters(self._files, config)
        self._watcher = Connection(self._files, "NORMAL")
        self._watching = threading.Lock()

    def put(self, envelope: Envelope) -> int:
        """See `Inbox.put`."""
        return self._writer.submit(envelope).result()

    def submit(self, envelope: Envelope) -> Future[int]:
        """See `Intake.submit`."""
        return self._writer.submit(envelope)

    def take(self, limit: int, max_bytes: int, wait_s: float) -> list[Delivery]:
        """See `Inbox.take`."""
        return self._taker.take(limit, max_bytes, wait_s)

    def ack(self, ids: Sequence[int]) -> None:
        """See `Inbox.ack`."""
        self._taker.ack(ids)

    def retry_later(self, ids: Sequence[int], delay_s: float) -> None:
        """See `Inbox.retry_later`."""
        self._taker.retry_later(ids, delay_s)

    def recover(self) -> None:
        """Make everything that is not acked available again, and drop expired dead letters."""
        self._files.keep_log()
        self._letters.expire()
        self._taker.recover()

    def state(self) -> InboxState:
        """See `Inbox.state`."""
        now_ns = time.time_ns()
        with self._watching, translated(f"the inbox {self._files.folder} cannot be read"):
            ((pending, size, dead, oldest_ns),) = self._watcher.rows(
                "SELECT pending, bytes, (SELECT count(*) FROM dead WHERE died_ns > ?),"
                " (SELECT received_ns FROM waiting ORDER BY id LIMIT 1) FROM totals",
                (self._letters.oldest_ns(now_ns),),
            )
        age_s = 0.0 if oldest_ns is None else (now_ns - oldest_ns) / 1e9
        return InboxState(pending=pending, bytes=size, oldest_s=max(0.0, age_s), dead=dead)

    def bury(self, id: int, reason: str) -> None:  # noqa: A002 -- the contract's name
        """See `DeadLetters.bury`."""
        self._letters.bury(id, reason)

    def list(self, limit: int) -> list[DeadLetter]:
        """See `DeadLetters.list`."""
        return self._letters.list(limit)

    def show(self, id: int) -> DeadLetter:  # noqa: A002 -- the contract's name
        """See `DeadLetters.show`."""
        return self._letters.show(id)

    def retry(self, ids: Sequence[int]) -> int:
        """See `DeadLetters.retry`."""
        return self._letters.retry(ids)

    def drop(self, ids: Sequence[int]) -> int:
        """See `DeadLetters.drop`."""
        return self._letters.drop(ids)

    def count(self, name: str, n: int) -> None:
        """See `DoorCounters.count`."""
        self._writer.count(name, n)

    def counters(self) -> Mapping[str, int]:
        """See `DoorCounters.counters`."""
        sums: Counter[str] = Counter(self._writer.uncommitted())
        with self._watching, translated(f"the inbox {self._files.folder} cannot be read"):
            sums.update(dict(self._watcher.rows("SELECT name, value FROM counters")))
        return sums

    def scrub(self) -> None:
        """Drop expired dead letters, and cut what was deleted off the files and their log.

        Deleted bodies are overwritten where they lay, but their first writing stays in the log
        until it is cut. Waits for its turn among the writers; a long one is done in steps.
        """
        self._letters.expire()
        with self._watching:
            self._shrink()
            with translated(f"the inbox {self._files.folder} cannot be written"):
                truncate_log(self._watcher)

    def close(self) -> None:
        """See `Inbox.close`."""
        self._writer.close()
        self._checkpointer.close()
        self._taker.close()
        self._letters.close()
        with self._watching:
            self._watcher.close()

    def is_there(self) -> bool:
        """Return whether its file is still where it was: nobody deleted or moved it."""
        return self._files.is_there()

    def waits(self, up_to: int) -> bool:
        """Return whether an envelope waits whose id is `up_to` or less."""
        with self._watching, translated(f"the inbox {self._files.folder} cannot be read"):
            ((found,),) = self._watcher.rows(
                "SELECT EXISTS (SELECT 1 FROM waiting WHERE id <= ?)", (up_to,)
            )
        return bool(found)

    def _shrink(self) -> None:
        free = 1
        while free:
            with self._watcher.writing() as sql:
                sql.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
            before, ((free,),) = free, self._watcher.rows("PRAGMA freelist_count")
            if free == before:
                return
