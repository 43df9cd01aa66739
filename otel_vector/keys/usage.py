"""What door processes tell each other about limits: a small SQLite file, written without fsync.

Each process adds what it used every quarter of a second and reads the sums, so all of them
together keep to a rate or quota but for what comes within that time. The file outlives a crash
of any process; after power loss the last seconds may be missing, which is all that is at stake.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from otel_vector.errors import OtelVectorError
from otel_vector.keys.limits import Amounts, IngestRates
from otel_vector.keys.quotas import Quotas
from otel_vector.spans.ids import Tenant

__all__ = ["DiskWatch", "Sharing", "Usage", "Used"]

_LOG = logging.getLogger(__name__)
_EVERY_S: Final = 0.25
_DISK_EVERY_S: Final = 10.0
_JOIN_S: Final = 5.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS keys (
    name TEXT PRIMARY KEY, requests INTEGER, items INTEGER, bytes INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS days (
    day INTEGER, name TEXT, requests INTEGER, items INTEGER, bytes INTEGER,
    PRIMARY KEY (day, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS disk (name TEXT PRIMARY KEY, bytes INTEGER) WITHOUT ROWID;
"""
_SUMS: Final = "requests = requests + excluded.requests, items = items + excluded.items, "
_ADD: Final = f"DO UPDATE SET {_SUMS} bytes = bytes + excluded.bytes"


@dataclass(frozen=True, slots=True)
class Used:
    """Sums over all processes: of each key ever, of each tenant on a day, and bytes on disk."""

    keys: Mapping[str, Amounts] = field(default_factory=dict)
    tenants: Mapping[Tenant, Amounts] = field(default_factory=dict)
    disk: Mapping[Tenant, int] = field(default_factory=dict)


class Usage:
    """The file; made anew if it cannot be read, since what it holds is of the day."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._db = _opened(path)
        except sqlite3.DatabaseError as error:
            _LOG.warning("%s cannot be read (%s); what was used today counts anew", path, error)
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
            self._db = _opened(path)

    def exchange(
        self, keys: Mapping[str, Amounts], day: int, tenants: Mapping[Tenant, Amounts]
    ) -> Used:
        """Add what was used, and return the sums.

        Raises:
            sqlite3.Error: neither was done.
        """
        with self._db as sql:
            if keys or tenants:
                sql.execute("BEGIN IMMEDIATE")
            sql.executemany(
                f"INSERT INTO keys VALUES (?, ?, ?, ?) ON CONFLICT {_ADD}",  # noqa: S608 -- ours
                [(name, a.requests, a.items, a.bytes) for name, a in keys.items()],
            )
            sql.executemany(
                f"INSERT INTO days VALUES (?, ?, ?, ?, ?) ON CONFLICT {_ADD}",  # noqa: S608
                [(day, name, a.requests, a.items, a.bytes) for name, a in tenants.items()],
            )
            if tenants:
                sql.execute("DELETE FROM days WHERE day < ?", (day - 1,))
            return self._sums(day)

    def set_disk(self, sizes: Mapping[Tenant, int]) -> None:
        """Say what tenants have on disk."""
        with self._db as sql:
            sql.execute("BEGIN IMMEDIATE")
            sql.execute("DELETE FROM disk")
            sql.executemany("INSERT INTO disk VALUES (?, ?)", list(sizes.items()))

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def _sums(self, day: int) -> Used:
        sql = self._db
        days = sql.execute("SELECT name, requests, items, bytes FROM days WHERE day = ?", (day,))
        return Used(
            {name: Amounts(*sums) for name, *sums in sql.execute("SELECT * FROM keys")},
            {Tenant(name): Amounts(*sums) for name, *sums in days},
            {Tenant(name): size for name, size in sql.execute("SELECT * FROM disk")},
        )


class Sharing:
    """The thread of a door process that exchanges what was used with the others."""

    def __init__(self, usage: Usage, rates: IngestRates, quotas: Quotas) -> None:
        self._usage = usage
        self._rates = rates
        self._quotas = quotas
        self._thread = _Repeated("usage", self.step, _EVERY_S)

    def start(self) -> None:
        """Learn what was used so far, and go on exchanging."""
        self.step()
        self._thread.start()

    def step(self) -> None:
        """Exchange once; what cannot be told now is told the next time."""
        if not (self._quotas.is_used or self._rates.is_used):
            return
        day = self._quotas.today()
        keys, tenants = self._rates.pending(), self._quotas.pending()
        try:
            used = self._usage.exchange(keys, day, tenants)
        except sqlite3.Error as error:
            self._rates.put_back(keys)
            self._quotas.put_back(tenants)
            self._thread.complain(f"what was used is not shared with other doors: {error}")
            return
        self._rates.shared(used.keys, keys)
        self._quotas.shared(day, used.tenants, used.disk)

    def close(self) -> None:
        """Tell the last, and end."""
        self._thread.stop()
        self.step()
        self._usage.close()


class DiskWatch:
    """The thread of the engine's process that tells the doors what tenants have on disk."""

    def __init__(self, usage: Usage, sizes: Callable[[], Mapping[Tenant, int]]) -> None:
        """Prepare the thread.

        Args:
            usage: where it is told.
            sizes: measures every tenant's bytes on disk.
        """
        self._usage = usage
        self._sizes = sizes
        self._thread = _Repeated("disk-quotas", self.step, _DISK_EVERY_S)

    def start(self) -> None:
        """Measure, and go on measuring."""
        self.step()
        self._thread.start()

    def step(self) -> None:
        """Measure once."""
        try:
            self._usage.set_disk(self._sizes())
        except (sqlite3.Error, OtelVectorError, OSError) as error:
            self._thread.complain(f"what tenants have on disk is not known to the doors: {error}")

    def close(self) -> None:
        """End."""
        self._thread.stop()
        self._usage.close()


class _Repeated:
    """Calls something in a thread until stopped."""

    def __init__(self, name: str, call: Callable[[], None], every_s: float) -> None:
        self._stopping = threading.Event()
        self._complaint = ""
        self._call, self._every_s = call, every_s
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)

    def complain(self, text: str) -> None:
        """Log a complaint once as long as it stays the same."""
        if text != self._complaint:
            _LOG.warning("%s", text)
        self._complaint = text

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            self._call()


def _opened(path: Path) -> sqlite3.Connection:
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=5.0, check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(_SCHEMA)
    return connection
