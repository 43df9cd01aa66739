"""What was forgotten: tombstones, deletions in progress, tallies of what retention dropped.

::

    tombstone(id)                     deleted items; nothing with such an id is stored again
    doomed(id, folder, stream, …)     of these, the ones whose deletion is not complete
    suspect(meaning, content_only)    may be pointed at by nothing any more, and not yet looked at
    retired(stream, meaning, …)       tallies of items that retention dropped
    soiled(since)                     texts left the shelf, whose bytes are still in its files
    leaving(folder)                   partitions that were dropped and are still on disk
    cut(folder, before_us)            partitions whose early items are being dropped

They are in the manifest's file, over a connection of their own: what changes the manifest's
tables together with these does so here, in one transaction. In memory is a Bloom filter of the
tombstones, so that a write without deleted items costs one look for all its rows, and nothing
as long as nothing was deleted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Final

import orjson

from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.store.answers import Tally
from otel_vector.store.edge.bloom import GrowingBloom, halves_of_ids
from otel_vector.store.edge.durable import transaction
from otel_vector.store.edge.faults import translated
from otel_vector.store.reading.streams import LIVE, LOGS
from otel_vector.store.retired import added

__all__ = ["Doomed", "Ledger"]

_PAGE: Final = 10_000
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS tombstone (id BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS doomed (
    id BLOB PRIMARY KEY, folder TEXT NOT NULL, stream TEXT NOT NULL, start_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS suspect (meaning INTEGER PRIMARY KEY, content_only INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS retired (
    stream TEXT NOT NULL, meaning INTEGER NOT NULL, count INTEGER NOT NULL,
    errors INTEGER NOT NULL, histogram TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL,
    PRIMARY KEY (stream, meaning)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS soiled (since INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS leaving (folder TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cut (folder TEXT PRIMARY KEY, before_us INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Doomed:
    """A stored item that is being deleted: where it is, and its start in microseconds."""

    id: SpanId
    folder: str
    stream: str
    start_us: int


class Ledger:
    """The tables above. Thread-safe: one connection, one lock; writers hold the tenant's."""

    def __init__(self, path: Path) -> None:
        """Open the manifest's file, which is there."""
        self._lock = RLock()
        with translated(f"opening {path.name}"):
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
        self.count = 0
        """Tombstones."""
        self._bloom = GrowingBloom()
        for page in self._pages():
            self._remember(page)

    def _pages(self) -> Iterator[list[SpanId]]:
        page = self.tombstones(None, _PAGE)
        while page:
            yield page
            page = self.tombstones(page[-1], _PAGE)

    def _remember(self, ids: Sequence[SpanId]) -> None:
        if ids:
            self._bloom.add(halves_of_ids(ids))
            self.count += len(ids)

    def buried(self, ids: Sequence[SpanId]) -> set[SpanId]:
        """Return those among the ids that have a tombstone."""
        if not self.count or not ids:
            return set()
        maybe = self._bloom.contains(halves_of_ids(ids))
        return self._found([ids[int(at)] for at in maybe.nonzero()[0]])

    def _found(self, ids: Iterable[SpanId]) -> set[SpanId]:
        query = "SELECT 1 FROM tombstone WHERE id=?"
        with self._lock, translated("reading the manifest"):
            return {i for i in ids if self._db.execute(query, (bytes.fromhex(i),)).fetchone()}

    def tombstones(self, after: SpanId | None, limit: int) -> list[SpanId]:
        """Return ids in order, after one of them."""
        low = bytes.fromhex(after) if after else b""
        query = "SELECT id FROM tombstone WHERE id>? ORDER BY id LIMIT ?"
        with self._lock, translated("reading the manifest"):
            return [SpanId(row[0].hex()) for row in self._db.execute(query, (low, limit))]

    def bury(
        self,
        ids: Iterable[SpanId],
        doomed: Iterable[Doomed] = (),
        suspects: Iterable[MeaningId] = (),
        unawaited: Iterable[bytes] = (),
    ) -> None:
        """Set tombstones durably, with what is left to be done for the stored ones.

        Args:
            ids: never stored again.
            doomed: those of them that are stored.
            suspects: the meanings that these point at.
            unawaited: spans (trace id and span id, end to end) for which no join waits any more.
        """
        wanted = list(dict.fromkeys(ids))
        fresh = sorted(set(wanted) - self._found(wanted))
        with self._transaction():
            self._db.executemany(
                "INSERT INTO tombstone VALUES (?)", [(bytes.fromhex(i),) for i in fresh]
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO doomed VALUES (?,?,?,?)",
                [(bytes.fromhex(d.id), d.folder, d.stream, d.start_us) for d in doomed],
            )
            self._db.executemany(
                "DELETE FROM waiting WHERE trace=? AND span=?",
                [(key[:16], key[16:]) for key in unawaited],
            )
            self._suspect(suspects, content_only=False)
        self._remember(fresh)

    def _suspect(self, meanings: Iterable[int], *, content_only: bool) -> None:
        how = "IGNORE" if content_only else "REPLACE"
        self._db.executemany(
            f"INSERT OR {how} INTO suspect VALUES (?,?)",  # noqa: S608 -- one of two words
            [(meaning, int(content_only)) for meaning in meanings],
        )

    def doomed(self) -> list[Doomed]:
        """Return what is left to be deleted."""
        with self._lock:
            rows = self._db.execute("SELECT id, folder, stream, start_us FROM doomed").fetchall()
        return [Doomed(SpanId(i.hex()), folder, stream, at) for i, folder, stream, at in rows]

    def suspects(self) -> dict[MeaningId, bool]:
        """Return the meanings to be looked at, and whether they go only if they hold content."""
        with self._lock:
            rows = self._db.execute("SELECT meaning, content_only FROM suspect").fetchall()
        return {MeaningId(meaning): bool(content_only) for meaning, content_only in rows}

    def done(
        self, seen: Mapping[str, Mapping[int, tuple[int, int] | None]], forgotten: Collection[int]
    ) -> None:
        """Note that every deletion is complete.

        Args:
            seen: first and last starts that changed, by stream and meaning; None for no item.
            forgotten: meanings that were removed; nothing is told of them any more.
        """
        with self._transaction():
            for stream, table in seen.items():
                for meaning, ends in table.items():
                    self._set_seen(stream, meaning, ends)
            for meaning in forgotten:
                self._db.execute("DELETE FROM retired WHERE meaning=?", (meaning,))
            self._db.execute("DELETE FROM doomed")
            self._db.execute("DELETE FROM suspect")

    def _set_seen(self, stream: str, meaning: int, ends: tuple[int, int] | None) -> None:
        if ends is None:
            self._db.execute("DELETE FROM seen WHERE stream=? AND meaning=?", (stream, meaning))
        else:
            first, last = map(str, ends)
            row = (stream, meaning, first, last)
            self._db.execute("INSERT OR REPLACE INTO seen VALUES (?,?,?,?)", row)

    def retire(
        self, folder: str, before_us: int | None, tallies: Mapping[str, Mapping[int, Tally]]
    ) -> None:
        """Drop a partition from the manifest, or begin to drop its early items.

        The tallies are added, and their meanings are looked at, together with it.
        """
        with self._transaction():
            for stream, table in tallies.items():
                self._suspect(table, content_only=True)
                for meaning, tally in table.items():
                    self._add_retired(stream, meaning, tally)
            if before_us is not None:
                self._db.execute("INSERT OR REPLACE INTO cut VALUES (?,?)", (folder, before_us))
                return
            self._db.execute("DELETE FROM shard WHERE folder=?", (folder,))
            self._db.execute("DELETE FROM partition WHERE folder=?", (folder,))
            self._db.execute("INSERT OR IGNORE INTO leaving VALUES (?)", (folder,))

    def _add_retired(self, stream: str, meaning: int, tally: Tally) -> None:
        total = added(self._retired(stream, meaning) or Tally(), tally)
        histogram = orjson.dumps(total.histogram, option=orjson.OPT_NON_STR_KEYS).decode()
        self._db.execute(
            "INSERT OR REPLACE INTO retired VALUES (?,?,?,?,?,?,?)",
            (stream, meaning, total.count, total.errors, histogram,
             str(total.first_ns), str(total.last_ns)),
        )  # fmt: skip

    def _retired(self, stream: str, meaning: int) -> Tally | None:
        row = self._db.execute(
            "SELECT count, errors, histogram, first, last FROM retired"
            " WHERE stream=? AND meaning=?", (stream, meaning)
        ).fetchone()  # fmt: skip
        if row is None:
            return None
        count, errors, histogram, first, last = row
        buckets = {int(bucket): n for bucket, n in orjson.loads(histogram).items()}
        return Tally(count, errors, buckets, int(first), int(last))

    def retired(self, meanings: Collection[MeaningId]) -> dict[MeaningId, Tally]:
        """Return what is known of live items and log records that retention dropped."""
        found: dict[MeaningId, Tally] = {}
        with self._lock:
            for meaning in meanings:
                for stream in (LIVE, LOGS):
                    tally = self._retired(stream, meaning)
                    if tally is not None:
                        found[meaning] = added(found.get(meaning, Tally()), tally)
        return found

    def soil(self) -> None:
        """Note that texts are about to leave the shelf of meanings."""
        if not self.is_soiled():
            with self._transaction():
                self._db.execute("INSERT OR IGNORE INTO soiled VALUES (1)")

    def is_soiled(self) -> bool:
        """Return whether the shelf's files may hold bytes of texts that left it."""
        with self._lock:
            return self._db.execute("SELECT 1 FROM soiled").fetchone() is not None

    def clean(self) -> None:
        """Note that the shelf's files were written anew."""
        with self._transaction():
            self._db.execute("DELETE FROM soiled")

    def leaving(self) -> list[str]:
        """Return the folders that are left to be removed."""
        with self._lock:
            return [row[0] for row in self._db.execute("SELECT folder FROM leaving")]

    def left(self, folder: str) -> None:
        """Note that a dropped folder is gone."""
        with self._transaction():
            self._db.execute("DELETE FROM leaving WHERE folder=?", (folder,))

    def cuts(self) -> dict[str, int]:
        """Return the partitions whose early items are being dropped, and up to where."""
        with self._lock:
            return dict(self._db.execute("SELECT folder, before_us FROM cut").fetchall())

    def cut_done(self, folder: str) -> None:
        """Note that the early items of a partition are dropped."""
        with self._transaction():
            self._db.execute("DELETE FROM cut WHERE folder=?", (folder,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what the block writes, durably, or nothing of it."""
        with self._lock, translated("writing the manifest"), transaction(self._db):
            yield

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()
