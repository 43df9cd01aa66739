"""Moves the write-ahead log into the file, beside the commits that somebody waits for.

A passive checkpoint lets commits go on while it copies, but what they add keeps the log from
starting again at its beginning; so two passive rounds leave little to copy, and a restarting
one, under the write lock, copies that. One process at a time does it. The first commit after it
cuts the log's file to less than what makes it long, so that the file's size tells the truth.
"""

from __future__ import annotations

import fcntl
import logging
import sqlite3
import threading
from contextvars import copy_context
from io import FileIO

from otel_vector.errors import RetryableError
from otel_vector.inbox.forking import close_lock_file, open_lock_file
from otel_vector.inbox.sqlite.files import Connection, Files

__all__ = ["Checkpointer", "truncate_log"]

_LOG_BYTES = 48 << 20
_LOG = logging.getLogger(__name__)


class Checkpointer:
    """A thread that starts with the first call of `consider` that finds the log long."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._due = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def consider(self) -> None:
        """Wake the thread if the log is long. Called after each commit; costs one `stat`.

        A log whose size cannot be told is considered again after the next commit: the writer,
        and those who wait for it, have nothing to do with that.
        """
        try:
            is_short = self._files.wal_bytes() < _LOG_BYTES
        except OSError:
            _LOG.exception("the size of the inbox's log cannot be told")
            return
        if is_short or self._due.is_set():
            return
        self._due.set()
        if self._thread is None:
            self._thread = threading.Thread(
                target=copy_context().run,
                args=(self._run,),
                name="inbox-checkpoint",
                daemon=True,
            )
            self._thread.start()

    def close(self) -> None:
        """Finish what is under way and end the thread."""
        self._stopped = True
        self._due.set()
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        """Copy when it is due; after a fault the next commit that finds it so starts anew."""
        try:
            self._copy_when_due()
        except Exception:  # noqa: BLE001 -- a log that nobody copies fills the disk
            _LOG.exception("the inbox's log could not be moved into its file")
            self._thread = None
            self._due.clear()

    def _copy_when_due(self) -> None:
        connection = Connection(self._files, "NORMAL")
        election = open_lock_file(self._files.folder / "checkpoint.lock")
        try:
            while self._due.wait():
                # Cleared before the question, so that a call of `close` in between is seen.
                self._due.clear()
                if self._stopped:
                    return
                _copy_log(connection, election)
        finally:
            close_lock_file(election)
            connection.close()


def _copy_log(connection: Connection, election: FileIO) -> None:
    """Empty the log if no other process is at it."""
    try:
        fcntl.flock(election, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    try:
        for _ in range(2):
            connection.rows("PRAGMA wal_checkpoint(PASSIVE)")
        with connection.lock.held():
            connection.rows("PRAGMA wal_checkpoint(RESTART)")
    except (sqlite3.OperationalError, RetryableError) as error:
        _LOG.warning("the inbox's log could not be moved into its file: %s", error)
    finally:
        fcntl.flock(election, fcntl.LOCK_UN)


def truncate_log(connection: Connection) -> bool:
    """Copy the whole log and cut it to nothing; False if a reader kept part of it."""
    with connection.lock.held():
        ((busy, _, _),) = connection.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    return not busy
