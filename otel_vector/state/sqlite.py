"""State in one SQLite file of mode 0600, shared by any number of threads and processes."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from otel_vector.errors import ConfigError, StorageFullError, StoreDamagedError, StoreVersionError

__all__ = ["SqliteState"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (
    namespace BLOB NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (namespace, key)
) WITHOUT ROWID
"""
_VERSION = 1
_LITTLE_BYTES = 1 << 20
_BUSY_S = 10.0  # how long to wait for another process's commit


class SqliteState:
    """A durable map in a file."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it.

        Raises:
            ConfigError: the file cannot be opened for writing.
            StorageFullError: the disk is full.
            StoreDamagedError: the file is no SQLite database.
            StoreVersionError: a newer version wrote it.
        """
        self._path = path
        self._lock = threading.Lock()
        _touch(path)
        with self._translated():
            self._db = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False)
            self._db.isolation_level = None
            self._prepare()

    def get(self, namespace: str, key: str) -> str | None:
        """Return a value, or None if there is none."""
        rows = self._rows(
            "SELECT value FROM state WHERE namespace = ? AND key = ?", (namespace, key)
        )
        return _text(rows[0][0]) if rows else None

    def set(self, namespace: str, key: str, value: str) -> None:
        """Store a value durably, in place of an older one."""
        self._rows("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", (namespace, key, value))

    def delete(self, namespace: str, key: str) -> None:
        """Forget a value; nothing happens if there is none."""
        self._rows("DELETE FROM state WHERE namespace = ? AND key = ?", (namespace, key))

    def items(self, namespace: str) -> dict[str, str]:
        """Return all values of a namespace by key, in the order of keys."""
        rows = self._rows(
            "SELECT key, value FROM state WHERE namespace = ? ORDER BY key", (namespace,)
        )
        return {_text(row[0]): _text(row[1]) for row in rows}

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise StoreVersionError(
                f"{self._path} was written by a newer version (schema {version}, this one reads "
                f"{_VERSION}); upgrade otel-vector"
            )
        self._db.execute(_SCHEMA)
        if version < _VERSION:
            self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def _rows(self, sql: str, values: tuple[str, ...]) -> list[tuple[bytes, ...]]:
        stored = [value.encode("utf-8", "surrogatepass") for value in values]
        with self._lock, self._translated():
            return self._db.execute(sql, stored).fetchall()

    def _is_full(self, code: int) -> bool:
        """Whether an error is one of a full disk, which SQLite may call one of input and output.

        It cannot make the memory then that the processes of a file share.
        """
        if code & 0xFF != sqlite3.SQLITE_IOERR:
            return code == sqlite3.SQLITE_FULL
        return shutil.disk_usage(self._path.parent).free < _LITTLE_BYTES

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if self._is_full(error.sqlite_errorcode):
                raise StorageFullError(
                    f"the disk is full: {self._path} cannot grow; free some space"
                ) from error
            raise ConfigError(f"{self._path} cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            raise StoreDamagedError(
                f"{self._path} cannot be read ({error}); move it away to begin a new one"
            ) from error


def _text(stored: bytes) -> str:
    """Return a text as it was set; a file's name may hold bytes that are no UTF-8."""
    return stored.decode("utf-8", "surrogatepass")


def _touch(path: Path) -> None:
    """Make sure the file exists with mode 0600 before SQLite makes it with another."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFullError(f"the disk is full: {path} cannot be made") from error
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
