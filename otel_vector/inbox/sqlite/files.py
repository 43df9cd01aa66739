"""The inbox's files: where they are, how they are opened, what their tables are.

::

    FOLDER/              0700
      inbox.db           0600   tables waiting, dead, totals, counters
      inbox.db-wal, -shm 0600   SQLite gives them the mode of the file
      turn.lock, write.lock     see `locks`

A page is 32 KiB, since a request is mostly one large value. The write-ahead log is moved into
the file by `checkpoints`, never by a commit that somebody waits for.

An application, which may fork, keeps a rollback journal instead: with a write-ahead log SQLite
shares memory and locks with whoever has the file open, for as long as it is open, and a forked
child would take those of its parent for its own. With a journal there is nothing to be inherited
between two transactions, and a fork waits for the end of one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

from otel_vector.errors import (
    OtelVectorError,
    RetryableError,
    StorageFullError,
    StoreDamagedError,
    StoreVersionError,
)
from otel_vector.inbox.forking import GATE
from otel_vector.inbox.sqlite.locks import WriteLock

__all__ = ["Connection", "Files", "translated"]

_VERSION = 1
_LOG_KEPT_BYTES = 32 << 20
_SMALL_CACHE_KIB = 256
_PRAGMAS = (
    "busy_timeout=30000",
    "secure_delete=ON",
    "wal_autocheckpoint=0",
    f"journal_size_limit={_LOG_KEPT_BYTES}",
    "temp_store=MEMORY",
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- ids never start again once the table is empty
    tenant TEXT NOT NULL, signal TEXT NOT NULL, content_type TEXT NOT NULL,
    encoding TEXT NOT NULL, received_ns INTEGER NOT NULL,
    attempt INTEGER NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS dead (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL, signal TEXT NOT NULL, content_type TEXT NOT NULL,
    encoding TEXT NOT NULL, received_ns INTEGER NOT NULL,
    attempt INTEGER NOT NULL, size INTEGER NOT NULL,
    reason TEXT NOT NULL, died_ns INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS totals (pending INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO totals SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM totals);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


class Files:
    """A folder that holds an inbox, created if there is none.

    Args:
        folder: where.
        in_application: this is a process that does other work, and that may fork: take little
            memory, and leave nothing locked between two transactions.

    Attributes:
        gate: to be gone through for whatever SQLite does.
    """

    def __init__(self, folder: Path, *, in_application: bool = False) -> None:
        self.folder = folder
        self.in_application = in_application
        self.gate = GATE if in_application else nullcontext()
        self.database = folder / "inbox.db"
        with translated(f"the inbox {folder} cannot be written"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._prepare()
            self._identity = _identity(self.database)

    def is_there(self) -> bool:
        """Return whether the file is still where it was opened, and not another one."""
        try:
            return _identity(self.database) == self._identity
        except OSError:
            return False

    def wal_bytes(self) -> int:
        """Return the size of the write-ahead log in bytes."""
        try:
            return self.database.with_name("inbox.db-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def free_bytes(self) -> int:
        """Return how many bytes the disk has left for us."""
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize

    def keep_log(self) -> None:
        """Have a write-ahead log, also if an application was the last one to write.

        Raises:
            RetryableError: an application has the file open.
        """
        if not self.in_application:
            with translated(f"the inbox {self.folder} cannot be written"):
                connection = Connection(self, "FULL")
                try:
                    with connection.lock.held():
                        connection.rows("PRAGMA journal_mode=WAL")
                finally:
                    connection.close()

    def _prepare(self) -> None:
        connection = Connection(self, "FULL")
        try:
            ((version,),) = connection.rows("PRAGMA user_version")
            if version > _VERSION:
                raise StoreVersionError(
                    f"the inbox {self.folder} has version {version}, this program knows "
                    f"{_VERSION}; use the newer otel-vector that wrote it"
                )
            if version < _VERSION:
                self._create(connection)
        finally:
            connection.close()

    def _create(self, connection: Connection) -> None:
        with connection.lock.held(), self.gate:
            connection.sql.execute("PRAGMA page_size=32768")
            connection.sql.execute("PRAGMA auto_vacuum=INCREMENTAL")
            if not self.in_application:
                connection.sql.execute("PRAGMA journal_mode=WAL")
            connection.sql.executescript(
                f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA user_version={_VERSION};COMMIT;"
            )


class Connection:
    """One connection with its own hold on the write lock; used by one thread at a time.

    `FULL` syncs every commit; `NORMAL` leaves that to the next synced commit or checkpoint:
    enough for an ack, which may be lost with the power, since deliveries come at least once.
    """

    def __init__(self, files: Files, synchronous: Literal["FULL", "NORMAL"]) -> None:
        self.files = files
        self.lock = WriteLock(files.folder)
        try:
            with files.gate:
                self.sql = _opened(files, synchronous)
        except BaseException:  # whatever it is, nobody else can close them
            self.lock.close()
            raise

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Run a statement outside of a transaction and return all its rows."""
        with self.files.gate:
            return self.sql.execute(statement, parameters).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run one write transaction: committed at the end, rolled back on an error.

        Raises:
            StorageFullError: the disk is full or cannot be written; nothing was changed.
        """
        doing = f"the inbox {self.files.folder} cannot be written"
        with self.lock.held(), translated(doing), self.files.gate:
            self.sql.execute("BEGIN IMMEDIATE")
            try:
                yield self.sql
                self.sql.execute("COMMIT")
            finally:
                if self.sql.in_transaction:
                    self.sql.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection and its locks."""
        with self.files.gate:
            self.sql.close()
        self.lock.close()


def _identity(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_dev, found.st_ino


def _opened(files: Files, synchronous: str) -> sqlite3.Connection:
    sql = sqlite3.connect(
        files.database,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=16 if files.in_application else 64,
    )
    frugal = (f"cache_size=-{_SMALL_CACHE_KIB}", "journal_mode=TRUNCATE")
    try:
        for pragma in (*_PRAGMAS, f"synchronous={synchronous}"):
            sql.execute(f"PRAGMA {pragma}")
        for pragma in frugal if files.in_application else ():
            sql.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:  # whatever it is, nobody else can close the connection
        sql.close()
        raise
    return sql


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn the errors of SQLite and of the file system into ours.

    Raises:
        StoreDamagedError: the file is not a database or is corrupt.
        RetryableError: a program that is not ours has locked the file.
        StorageFullError: the disk is full, over quota or cannot be written.
    """
    try:
        yield
    except OtelVectorError:
        raise
    except sqlite3.DatabaseError as error:
        if error.__class__ is sqlite3.DatabaseError:
            raise StoreDamagedError(f"{doing}: {error}; restore the folder or move it") from error
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in {
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED,
        }:
            raise RetryableError(f"{doing}: another program has locked its file") from error
        raise StorageFullError(f"{doing}: {error}; free disk space or make it writable") from error
    except OSError as error:
        raise StorageFullError(f"{doing}: {error}; free disk space or make it writable") from error
