"""The manifest of one tenant: its partitions, its shards, and what waits to be joined.

::

    partition(key, folder)          'YYYY-MM-DD' or 'YYYY-MM' → folder; the same for ever
    shard(id, folder, stream, …)    one row per span shard; a shard not listed does not exist;
                                    `generation` says which of its copies on disk is in force
    seen(stream, meaning, …)        first and last start of the items pointing at a meaning
    waiting(trace, span, …)         joins of log records whose span has not come yet

A partition is a function of the start and of this table, never of the clock alone: the clock
only decides whether a *new* key is a day or a month, and the row then stands. So a resend finds
the partition of its first copy. When there are `max_partitions` folders, new months share `odd`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from time import monotonic, time_ns
from typing import Final

from otel_vector.store.edge.durable import transaction
from otel_vector.store.edge.faults import translated

__all__ = ["DAY_NS", "ODD", "Manifest", "Seen", "ShardRow", "Waiting"]

ODD: Final = "odd"
_RECENT_DAYS: Final = 35
DAY_NS: Final = 86_400 * 10**9
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_SHARD: Final = "id, folder, stream, points, min_us, max_us, full, generation, sealed"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS partition (key TEXT PRIMARY KEY, folder TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shard (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    folder TEXT NOT NULL,
    stream TEXT NOT NULL,
    points INTEGER NOT NULL DEFAULT 0,
    min_us INTEGER,
    max_us INTEGER,
    full INTEGER NOT NULL DEFAULT 0,
    generation INTEGER NOT NULL DEFAULT 0,
    sealed INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS seen (
    stream TEXT NOT NULL, meaning INTEGER NOT NULL, first_ns TEXT NOT NULL, last_ns TEXT NOT NULL,
    PRIMARY KEY (stream, meaning)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waiting (
    trace BLOB NOT NULL, span BLOB NOT NULL, meanings TEXT NOT NULL, keys TEXT NOT NULL,
    PRIMARY KEY (trace, span, meanings, keys)
) WITHOUT ROWID;
"""


@dataclass(slots=True)
class ShardRow:
    """One span shard: where it is, what it holds, the range of its starts in microseconds.

    Attributes:
        full: takes no more points.
        generation: 0 as it was made; each sealing makes the next one.
        sealed: nothing was changed since it was sealed.
        touched_s: when it was changed last, by the monotonic clock; not stored.
        changed: how many points were, since it was sealed; not stored.
    """

    id: int
    folder: str
    stream: str
    points: int = 0
    min_us: int | None = None
    max_us: int | None = None
    full: bool = False
    generation: int = 0
    sealed: bool = False
    touched_s: float = field(default_factory=monotonic)
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A join that waits for its span."""

    trace_id: bytes
    span_id: bytes
    meanings: tuple[int, ...]
    keys: tuple[int, ...]


Seen = dict[int, tuple[int, int]]
"""Meaning → first and last start in nanoseconds."""


class Manifest:
    """The tables above. Thread-safe: one connection, one lock."""

    def __init__(self, path: Path, max_partitions: int) -> None:
        """Open or create the file; `max_partitions` bounds the folders."""
        self._lock = Lock()
        self._max_partitions = max_partitions
        with translated(f"opening {path.name}"):
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
            self._folders: dict[str, str] = dict(self._db.execute("SELECT * FROM partition"))
        self._by_day: dict[int, str] = {}

    def folder_of(self, start_ns: int) -> str:
        """Return the folder of the partition of a start, made if it is the first of its kind."""
        day = start_ns // DAY_NS
        folder = self._by_day.get(day)
        if folder is None:
            folder = self._by_day[day] = self._assign(day)
        return folder

    def _assign(self, day: int) -> str:
        date = (_EPOCH + timedelta(days=day)).strftime("%Y-%m-%d")
        month = date[:7]
        known = self._folders.get(date) or self._folders.get(month)
        if known:
            return known
        recent = abs(time_ns() // DAY_NS - day) <= _RECENT_DAYS
        key = date if recent else month
        full = len(set(self._folders.values())) >= self._max_partitions
        folder = ODD if full else key
        with self._lock, translated("writing the manifest"):
            self._db.execute("INSERT INTO partition VALUES (?,?)", (key, folder))
        self._folders[key] = folder
        return folder

    def folders(self) -> list[str]:
        """Return the folders of all partitions."""
        return sorted(set(self._folders.values()))

    def forget(self, folder: str) -> None:
        """Let a folder's partitions go, whose rows are removed."""
        self._folders = {key: where for key, where in self._folders.items() if where != folder}
        self._by_day = {}

    def shards(self) -> list[ShardRow]:
        """Return every shard, oldest first."""
        with self._lock:
            rows = self._db.execute(f"SELECT {_SHARD} FROM shard ORDER BY id").fetchall()  # noqa: S608 -- a constant
        return [
            ShardRow(
                number, folder, stream, points, low, high, bool(full), generation, bool(sealed)
            )
            for number, folder, stream, points, low, high, full, generation, sealed in rows
        ]

    def reserve(self) -> int:
        """Return the number of the next shard; it exists only once `list_shard` was called."""
        with self._lock:
            row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name='shard'").fetchone()
        return int(row[0]) + 1 if row else 1

    def list_shard(self, shard: ShardRow) -> None:
        """Add a shard that is complete on disk."""
        with self._lock, translated("writing the manifest"):
            self._db.execute(
                "INSERT INTO shard (id, folder, stream) VALUES (?,?,?)",
                (shard.id, shard.folder, shard.stream),
            )

    def swap(self, shard: ShardRow) -> None:
        """Put a shard's generation in force: from this row on it is the one that counts."""
        with self._lock, translated("writing the manifest"):
            self._db.execute(
                "UPDATE shard SET generation=?, sealed=? WHERE id=?",
                (shard.generation, int(shard.sealed), shard.id),
            )

    def save(
        self, shards: Iterable[ShardRow], seen: Mapping[str, Seen], joined: Iterable[Waiting]
    ) -> None:
        """Store what a checkpoint found changed, in one transaction."""
        with self._lock, translated("writing the manifest"), transaction(self._db):
            self._save(shards, seen, joined)

    def _save(
        self, shards: Iterable[ShardRow], seen: Mapping[str, Seen], joined: Iterable[Waiting]
    ) -> None:
        self._db.executemany(
            "UPDATE shard SET points=?, min_us=?, max_us=?, full=?, sealed=? WHERE id=?",
            [(s.points, s.min_us, s.max_us, int(s.full), int(s.sealed), s.id) for s in shards],
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO seen VALUES (?,?,?,?)",
            [
                (stream, meaning, str(first), str(last))
                for stream, table in seen.items()
                for meaning, (first, last) in table.items()
            ],
        )
        self._db.executemany(
            "DELETE FROM waiting WHERE trace=? AND span=?",
            [(w.trace_id, w.span_id) for w in joined],
        )

    def seen(self) -> dict[str, Seen]:
        """Return first and last starts by stream and meaning."""
        tables: dict[str, Seen] = {}
        with self._lock:
            for stream, meaning, first, last in self._db.execute("SELECT * FROM seen"):
                tables.setdefault(stream, {})[meaning] = (int(first), int(last))
        return tables

    def wait(self, waiting: Iterable[Waiting]) -> None:
        """Remember joins durably."""
        rows = [(w.trace_id, w.span_id, _join(w.meanings), _join(w.keys)) for w in waiting]
        with self._lock, translated("writing the manifest"), transaction(self._db):
            self._db.executemany("INSERT OR IGNORE INTO waiting VALUES (?,?,?,?)", rows)

    def waiting(self) -> list[Waiting]:
        """Return every join that waits."""
        with self._lock:
            rows = self._db.execute("SELECT * FROM waiting").fetchall()
        return [Waiting(t, s, _split(m), _split(k)) for t, s, m, k in rows]

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()


def _join(numbers: Iterable[int]) -> str:
    return " ".join(map(str, numbers))


def _split(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))
