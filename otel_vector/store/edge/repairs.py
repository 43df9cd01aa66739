"""What is damaged, and shards that take the place of others; in the manifest's file.

::

    damage(name, why)    partitions (or `meanings`) that have to be rebuilt, and what is wrong

What is set aside is noted and unlisted in one transaction, and renamed after it: a crash in
between leaves a folder that is not listed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from time import time
from typing import Final

from otel_vector.store.edge.durable import sync_folder, transaction
from otel_vector.store.edge.faults import translated
from otel_vector.store.edge.manifest import ShardRow

__all__ = ["ASIDE", "MEANINGS", "Repairs", "set_aside"]

ASIDE: Final = ".damaged-"
"""In the name of what is set aside; the time follows, in seconds since the epoch."""

MEANINGS: Final = "meanings"
"""The name that stands for the meanings: all partitions have to be described again."""

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS damage (name TEXT PRIMARY KEY, why TEXT NOT NULL) WITHOUT ROWID"
)


def set_aside(folder: Path) -> None:
    """Rename a folder that is damaged; do nothing if it is not there."""
    aside = folder.with_name(f"{folder.name}{ASIDE}{int(time())}")
    with suppress(FileNotFoundError):
        folder.rename(aside)
        sync_folder(folder.parent)


class Repairs:
    """The table above. Thread-safe: one connection, one lock."""

    def __init__(self, path: Path) -> None:
        """Open the manifest's file, which is there."""
        self._lock = RLock()
        with translated(f"opening {path.name}"):
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(_SCHEMA)
        self._damage: dict[str, str] = dict(self._db.execute("SELECT name, why FROM damage"))

    def damaged(self) -> dict[str, str]:
        """Return what has to be rebuilt, and why."""
        with self._lock:
            return dict(self._damage)

    def note(self, why: dict[str, str], unlisted: Iterable[ShardRow] = ()) -> None:
        """Note damage, and let shards be listed no longer, durably."""
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO damage VALUES (?,?)", why.items())
            self._unlist(unlisted)
        self._damage |= why

    def mended(self, names: Collection[str]) -> None:
        """Note that something was rebuilt; the meanings are once every partition is."""
        with self._transaction():
            left = {name: why for name, why in self._damage.items() if name not in names}
            gone = set(self._damage) - set(left)
            if set(left) == {MEANINGS}:
                gone.add(MEANINGS)
            self._db.executemany("DELETE FROM damage WHERE name=?", [(name,) for name in gone])
        self._damage = {name: why for name, why in self._damage.items() if name not in gone}

    def number(self) -> int:
        """Return a shard's number that no other shard gets; the tenant's lock is held."""
        with self._transaction():
            cursor = self._db.execute("INSERT INTO shard (folder, stream) VALUES ('', '')")
            self._db.execute("DELETE FROM shard WHERE id=?", (cursor.lastrowid,))
        return int(cursor.lastrowid or 0)

    def replace(self, old: Iterable[ShardRow], new: Iterable[ShardRow]) -> None:
        """List shards in place of others; this transaction is the swap."""
        with self._transaction():
            self._unlist(old)
            self._db.executemany(
                "INSERT INTO shard (id, folder, stream, points, min_us, max_us, full)"
                " VALUES (?,?,?,?,?,?,?)",
                [
                    (s.id, s.folder, s.stream, s.points, s.min_us, s.max_us, int(s.full))
                    for s in new
                ],
            )

    def _unlist(self, rows: Iterable[ShardRow]) -> None:
        self._db.executemany("DELETE FROM shard WHERE id=?", [(row.id,) for row in rows])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what the block writes, durably, or nothing of it."""
        with self._lock, translated("writing the manifest"), transaction(self._db):
            yield

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()
