"""The file of one tenant's records: SQLite, durable with each commit, overwritten on deletion.

::

    record(collection, key, version, active, created_ns, body, meanings)
    pointing(meaning, collection, key)    of active versions only
    text(meaning, facet, text, recipe)    the texts that active versions point at
    released(meaning)                     texts that may have to leave the shelf of meanings
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final

from otel_vector.errors import StoreVersionError
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.drafts import body_of
from otel_vector.store.edge.durable import sync_folder, transaction
from otel_vector.store.edge.faults import translated
from otel_vector.store.records import Record

__all__ = ["RecordFile"]

_VERSION: Final = 1
_CHUNK: Final = 500  # parameters of one statement
_BUSY_S: Final = 30.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS record (
    collection TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL,
    active INTEGER NOT NULL, created_ns INTEGER NOT NULL, body BLOB NOT NULL,
    meanings TEXT NOT NULL,
    PRIMARY KEY (collection, key, version)
);
CREATE INDEX IF NOT EXISTS active ON record (collection, key) WHERE active;
CREATE TABLE IF NOT EXISTS pointing (
    meaning INTEGER NOT NULL, collection TEXT NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY (meaning, collection, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pointing_of ON pointing (collection, key);
CREATE TABLE IF NOT EXISTS text (
    meaning INTEGER PRIMARY KEY, facet TEXT NOT NULL, text TEXT NOT NULL, recipe INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS released (meaning INTEGER PRIMARY KEY);
"""
_RECORD: Final = "SELECT collection, key, version, active, created_ns, body, meanings FROM record"


class RecordFile:
    """The tables above. Any number of threads read; whoever writes holds the tenant's lock."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            StoreDamagedError: it cannot be read.
            StoreVersionError: a newer version wrote it.
        """
        self._path = path
        self._reading = Lock()
        with translated(f"opening {path}"):
            is_new = not path.exists()
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            self._writer = _connection(path)
            self._prepare()
            self._reader = _connection(path)
            if is_new:
                sync_folder(path.parent)

    def _prepare(self) -> None:
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise StoreVersionError(
                f"{self._path} has schema {version}, this version reads up to {_VERSION}; install"
                " the version of otel-vector that wrote it, or a newer one"
            )
        if version < _VERSION:
            self._writer.executescript(
                f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA user_version={_VERSION};COMMIT;"
            )

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Commit durably what the block writes, or nothing of it."""
        with translated(f"writing {self._path}"), transaction(self._writer):
            yield

    def active(self, collection: str, key: str) -> tuple[int, bytes, tuple[MeaningId, ...]] | None:
        """Return version, body and meanings of what is active, as the writer sees it."""
        row = self._writer.execute(
            "SELECT version, body, meanings FROM record"
            " WHERE collection=? AND key=? AND active",
            (collection, key),
        ).fetchone()  # fmt: skip
        return (row[0], row[1], _split(row[2])) if row else None

    def insert(self, collection: str, key: str, row: tuple[int, int, bytes],
               meanings: Sequence[MeaningId]) -> None:  # fmt: skip
        """Add a version as the active one; `row` is its number, its time and its body."""
        version, created_ns, body = row
        self._retire(collection, key)
        self._writer.execute(
            "INSERT INTO record VALUES (?,?,?,1,?,?,?)",
            (collection, key, version, created_ns, body, _join(meanings)),
        )
        self._writer.executemany(
            "INSERT OR IGNORE INTO pointing VALUES (?,?,?)",
            [(meaning, collection, key) for meaning in meanings],
        )

    def _retire(self, collection: str, key: str) -> None:
        named = (collection, key)
        self._writer.execute("UPDATE record SET active=0 WHERE collection=? AND key=? AND active",
                             named)  # fmt: skip
        self._writer.execute("DELETE FROM pointing WHERE collection=? AND key=?", named)

    def delete(self, collection: str, key: str) -> bool:
        """Remove a record; return whether there was one."""
        self._retire(collection, key)
        gone = self._writer.execute(
            "DELETE FROM record WHERE collection=? AND key=?", (collection, key)
        )
        return gone.rowcount > 0

    def add_texts(self, meanings: Iterable[Meaning]) -> None:
        """Keep texts that active versions point at."""
        rows = [(m.id, str(m.facet), m.text, m.recipe) for m in meanings]
        self._writer.executemany("INSERT OR IGNORE INTO text VALUES (?,?,?,?)", rows)
        self._writer.executemany("DELETE FROM released WHERE meaning=?", [(r[0],) for r in rows])

    def release(self, meanings: Collection[MeaningId]) -> list[MeaningId]:
        """Give up those of some texts that nothing here points at any more; return them."""
        kept = {
            number
            for marks, part in _parts(meanings)
            for (number,) in self._writer.execute(
                f"SELECT DISTINCT meaning FROM pointing WHERE meaning IN ({marks})",  # noqa: S608
                part,
            )
        }
        free = [meaning for meaning in meanings if meaning not in kept]
        rows = [(meaning,) for meaning in free]
        self._writer.executemany("DELETE FROM text WHERE meaning=?", rows)
        self._writer.executemany("INSERT OR IGNORE INTO released VALUES (?)", rows)
        return free

    def settle(self, meanings: Iterable[MeaningId]) -> None:
        """Forget that texts were released: they have left the shelf for good."""
        self._writer.executemany(
            "DELETE FROM released WHERE meaning=?", [(meaning,) for meaning in meanings]
        )

    def overwrite(self) -> None:
        """Empty the write-ahead log, which may hold what was deleted; readers may delay it."""
        with translated(f"writing {self._path}"):
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def record(self, collection: str, key: str, version: int | None) -> Record | None:
        """Return a version, the active one if none is named."""
        if version is None:
            condition, values = "active", (collection, key)
        else:
            condition, values = "version=?", (collection, key, version)  # type: ignore[assignment]
        rows = self._read(f"{_RECORD} WHERE collection=? AND key=? AND {condition}", values)
        return _record(rows[0]) if rows else None

    def versions(self, collection: str, key: str) -> list[Record]:
        """Return every version, the latest first."""
        condition = "collection=? AND key=? ORDER BY version DESC"
        return [_record(row) for row in self._read(f"{_RECORD} WHERE {condition}",
                                                   (collection, key))]  # fmt: skip

    def page(self, collection: str, limit: int, after: str) -> list[Record]:
        """Return active records after a key, in the order of keys."""
        condition = "collection=? AND key>? AND active ORDER BY key LIMIT ?"
        rows = self._read(f"{_RECORD} WHERE {condition}", (collection, after, limit))
        return [_record(row) for row in rows]

    def pointing(
        self, meanings: Collection[MeaningId], collections: Collection[str]
    ) -> list[tuple[MeaningId, str, str]]:
        """Return meaning, collection and key of what points at some meanings, in that order."""
        within, names = _within(collections)
        found = []
        for marks, part in _parts(meanings):
            sql = f"SELECT * FROM pointing WHERE meaning IN ({marks}){within}"  # noqa: S608
            found += self._read(sql, (*part, *names))
        return sorted((MeaningId(meaning), name, key) for meaning, name, key in found)

    def meanings(self, collections: Collection[str]) -> set[MeaningId]:
        """Return what active versions point at."""
        within, names = _within(collections)
        sql = f"SELECT DISTINCT meaning FROM pointing WHERE 1{within}"  # noqa: S608
        return {MeaningId(number) for (number,) in self._read(sql, names)}

    def counts(self) -> dict[str, int]:
        """Return how many active records each collection holds, by name."""
        return dict(self._read(
            "SELECT collection, count(*) FROM record WHERE active GROUP BY collection"
            " ORDER BY collection", ()
        ))  # fmt: skip

    def any(self) -> bool:
        """Return whether there is a record."""
        return bool(self._read("SELECT 1 FROM record LIMIT 1", ()))

    def text_ids(self) -> list[MeaningId]:
        """Return the ids of all texts."""
        return [MeaningId(number) for (number,) in self._read("SELECT meaning FROM text", ())]

    def texts(self, ids: Collection[MeaningId]) -> Iterator[Meaning]:
        """Yield texts by id."""
        for marks, part in _parts(ids):
            sql = f"SELECT * FROM text WHERE meaning IN ({marks})"  # noqa: S608
            for number, facet, text, recipe in self._read(sql, part):
                yield Meaning(MeaningId(number), Facet(facet), text, recipe=recipe)

    def released(self) -> list[MeaningId]:
        """Return the texts that may have to leave the shelf."""
        return [MeaningId(number) for (number,) in self._read("SELECT * FROM released", ())]

    def _read(self, sql: str, values: Sequence[Any]) -> list[Any]:
        with self._reading, translated(f"reading {self._path}"):
            return self._reader.execute(sql, values).fetchall()

    def close(self) -> None:
        """Release the file."""
        with self._reading:
            self._reader.close()
        self._writer.close()


def _connection(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_S, check_same_thread=False, isolation_level=None
    )
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _record(row: Sequence[Any]) -> Record:
    collection, key, version, active, created_ns, body, meanings = row
    return Record(
        collection, key, version, bool(active), created_ns, body_of(body), _split(meanings)
    )


def _within(collections: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Return a condition on collections and its values; none for all."""
    names = tuple(collections)
    return (f" AND collection IN ({_marks(len(names))})" if names else "", names)


def _parts(meanings: Collection[MeaningId]) -> Iterator[tuple[str, Sequence[MeaningId]]]:
    """Yield parts that fit one statement, each with its parameter marks."""
    every = list(meanings)
    for start in range(0, len(every), _CHUNK):
        part = every[start : start + _CHUNK]
        yield _marks(len(part)), part


def _marks(count: int) -> str:
    return ",".join("?" * count)


def _join(meanings: Sequence[MeaningId]) -> str:
    return " ".join(map(str, meanings))


def _split(text: str) -> tuple[MeaningId, ...]:
    return tuple(MeaningId(int(part)) for part in text.split())
