"""Blocks: the truth. One SQLite file per partition, one zstd-compressed OTLP message per row.

::

    block(name, digest, signal, stream, rows, min_ns, max_ns, size, parts, data)

`parts` says where the message can be cut: pairs of rows and bytes up to the end of each resource's
part, so that one item is read without parsing the others.

A block's name is 48 bits of its digest: a function of the delivery, so that a redelivery finds
its block or makes it again. A name taken by another digest is stepped over. A point's `p` is
``name << 15 | position``.

Small blocks are merged when their partition is sealed; `members` says where they are then. They
are read by their own names as before.

Commits are asynchronous (WAL, synchronous=NORMAL): they survive kill -9; `sync` makes them
survive power loss, and nothing is acknowledged before it. So after a power loss there may be
points whose block is gone: readers pass them over, and the redelivery replaces them.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import Final

import orjson
import zstandard

from otel_vector.spans.meanings import Signal
from otel_vector.store.edge.durable import transaction
from otel_vector.store.edge.faults import translated
from otel_vector.store.edge.members import Members
from otel_vector.store.reading.blanks import blanked
from otel_vector.store.reading.blocks import BlockBytes, cut, joined

__all__ = ["MAX_ROWS", "BlockFile", "BlockKey", "BlockRow", "StoredName", "place", "unplace"]

MAX_ROWS: Final = 1 << 15
"""Rows of a block: positions take 15 bits of `p`."""

_MOST_KEYS: Final = 2_048
"""Keys of a stream that are kept in memory, some 200 bytes each."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS block (
    name INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    signal TEXT NOT NULL,
    stream TEXT NOT NULL,
    rows INTEGER NOT NULL,
    min_ns TEXT NOT NULL,
    max_ns TEXT NOT NULL,
    max_us INTEGER NOT NULL,
    size INTEGER NOT NULL,
    parts BLOB NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS block_by_time ON block (signal, stream, max_us DESC);
"""


@dataclass(frozen=True, slots=True)
class BlockKey:
    """What a scan knows of a block before it reads it."""

    name: int
    rows: int
    min_us: int
    max_us: int
    size: int
    """Bytes when decompressed."""


@dataclass(frozen=True, slots=True)
class StoredName:
    """A stored block without its bytes: name, kind, stream, and its items, deleted ones too."""

    name: int
    signal: Signal
    stream: str
    rows: int


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A block to be written: identity, kind, time range in nanoseconds, serialised message."""

    digest: bytes
    signal: Signal
    stream: str
    rows: int
    min_ns: int
    max_ns: int
    parts: Sequence[tuple[int, bytes]]
    """Number of rows and serialised message of each part; together they are the block."""


def place(name: int, position: int) -> int:
    """Return the `p` of a point."""
    return name << 15 | position


def unplace(p: int) -> tuple[int, int]:
    """Return block name and position of a `p`."""
    return p >> 15, p & (MAX_ROWS - 1)


class BlockFile:
    """The blocks of one partition. Thread-safe: one connection, one lock."""

    def __init__(self, path: Path, level: int) -> None:
        """Open or create the file.

        Args:
            path: the SQLite file.
            level: zstd compression level.
        """
        self._path = path
        self._lock = Lock()
        self._keys: dict[tuple[Signal, str], tuple[tuple[int, int], list[BlockKey]]] = {}
        self._compressor = zstandard.ZstdCompressor(level=level)
        self._dirty = False
        with translated(f"opening {path.name}"):
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("PRAGMA secure_delete=ON")
            self._db.execute("PRAGMA wal_autocheckpoint=4000")
            self._db.executescript(_SCHEMA)
            self._members = Members(self._db)

    def find(self, digest: bytes) -> int | None:
        """Return the name of the block with this digest, if it is stored."""
        with self._lock:
            row = self._db.execute("SELECT name FROM block WHERE digest=?", (digest,)).fetchone()
            return int(row[0]) if row else self._members.find(digest)

    def add(self, block: BlockRow) -> int:
        """Store a block and return its name.

        Raises:
            StorageFullError: the disk is full; nothing was stored.
        """
        message = b"".join(data for _, data in block.parts)
        rows = list(accumulate(count for count, _ in block.parts))
        ends = list(accumulate(len(data) for _, data in block.parts))
        data = self._compressor.compress(message)
        with self._lock, translated(f"writing {self._path}"):
            name = self._free_name(block.digest)
            self._insert(name, block, BlockBytes(message, rows, ends), data)
            self._dirty = True
        return name

    def _insert(self, name: int, block: BlockRow, stored: BlockBytes, data: bytes) -> None:
        parts = orjson.dumps([list(stored.row_ends), list(stored.byte_ends)])
        self._db.execute(
            "INSERT INTO block VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (
                name, block.digest, block.signal, block.stream, block.rows,
                str(block.min_ns), str(block.max_ns), block.max_ns // 1000,
                len(stored.message), parts, data,
            ),
        )  # fmt: skip

    def _free_name(self, digest: bytes) -> int:
        name = int.from_bytes(blake2b(digest, digest_size=6).digest(), "big")
        while self._is_taken(name):
            name = (name + 1) & ((1 << 48) - 1)
        return name

    def _is_taken(self, name: int) -> bool:
        query = "SELECT 1 FROM block WHERE name=?"
        known = self._db.execute(query, (name,)).fetchone()
        return known is not None or self._members.get(name) is not None

    def read(self, name: int) -> BlockBytes | None:
        """Return a block; None if it is not stored."""
        return next((block for _, block in self.read_many([name])), None)

    def read_many(self, names: Sequence[int]) -> Iterator[tuple[int, BlockBytes]]:
        """Yield names and blocks, of those that are stored, in the order of `names`."""
        with self._lock, translated(f"reading {self._path}"):
            merged = {name: member for name in names if (member := self._members.get(name))}
            stored = {merged[name].container if name in merged else name for name in names}
            marks = ",".join("?" * len(stored))
            query = f"SELECT name, parts, data FROM block WHERE name IN ({marks})"  # noqa: S608 -- marks are question marks
            found = {name: rest for name, *rest in self._db.execute(query, list(stored))}
        decompress = zstandard.ZstdDecompressor().decompress
        for name in names:
            member = merged.get(name)
            at = member.container if member else name
            if at in found:
                parts, data = found[at]
                block = BlockBytes(decompress(data), *orjson.loads(parts))
                yield name, cut(block, member.first_row, member.rows) if member else block

    def blank(self, name: int, positions: Collection[int]) -> None:
        """Leave empty messages in place of some items; remove a block that holds nothing else.

        `scrub` leaves no byte of them in the log, and makes it survive power loss.
        """
        with self._lock:
            member = self._members.get(name)
        if member is not None:
            name, positions = member.container, [member.first_row + at for at in positions]
        block = self.read(name)
        if block is None:
            return
        with self._lock, translated(f"writing {self._path}"):
            query = "SELECT signal FROM block WHERE name=?"
            signal = Signal(self._db.execute(query, (name,)).fetchone()[0])
            rest = blanked(signal, block, positions)
            if rest is None:
                self._remove([name])
            else:
                parts = orjson.dumps([list(rest.row_ends), list(rest.byte_ends)])
                data = self._compressor.compress(rest.message)
                self._db.execute(
                    "UPDATE block SET size=?, parts=?, data=? WHERE name=?",
                    (len(rest.message), parts, data, name),
                )
            self._dirty = True

    def remove(self, names: Collection[int]) -> None:
        """Remove blocks; `scrub` leaves no byte of them in the log."""
        with self._lock, translated(f"writing {self._path}"):
            self._remove(names)
            self._dirty = True

    def _remove(self, names: Collection[int]) -> None:
        query = "DELETE FROM block WHERE name IN (SELECT value FROM json_each(?))"
        with transaction(self._db):
            self._db.execute(query, (orjson.dumps(list(names)).decode(),))
            self._members.drop(names)
        self._members.forget(names)

    def small(self, max_rows: int) -> list[StoredName]:
        """Return blocks of at most so many rows, by stream and time."""
        query = (
            "SELECT name, signal, stream, rows FROM block WHERE rows<=?"
            " ORDER BY signal, stream, max_us, name"
        )
        with self._lock, translated(f"reading {self._path}"):
            rows = self._db.execute(query, (max_rows,)).fetchall()
        return [StoredName(name, Signal(signal), *rest) for name, signal, *rest in rows]

    def merge(self, names: Sequence[int]) -> None:
        """Put blocks of one stream into one, in this order; each keeps its name and digest.

        Raises:
            StorageFullError: the disk is full; the blocks stay as they are.
        """
        blocks = [block for _, block in self.read_many(names)]
        if len(blocks) < len(names):
            return
        whole = joined(blocks)
        data = self._compressor.compress(whole.message)
        marks = ",".join("?" * len(names))
        query = f"SELECT name, digest, rows, signal, stream, min_ns, max_ns FROM block WHERE name IN ({marks})"  # noqa: S608, E501 -- marks are question marks
        with self._lock, translated(f"writing {self._path}"):
            found = {row[0]: row for row in self._db.execute(query, list(names))}
            rows = [found[name] for name in names]
            digest = blake2b(b"".join(row[1] for row in rows), digest_size=16).digest()
            low, high = min(int(row[5]) for row in rows), max(int(row[6]) for row in rows)
            total = sum(row[2] for row in rows)
            container = BlockRow(digest, Signal(rows[0][3]), rows[0][4], total, low, high, ())
            name = self._free_name(digest)
            with transaction(self._db):
                united = self._members.unite([row[:3] for row in rows], name)
                self._db.execute(f"DELETE FROM block WHERE name IN ({marks})", list(names))  # noqa: S608 -- marks are question marks
                self._insert(name, container, whole, data)
            self._members.settle(names, united)
            self._dirty = True

    def at(self, name: int, position: int) -> int:
        """Return the `p` by which a point names an item of a stored block."""
        return place(*self._members.at(name, position))

    def scrub(self) -> None:
        """Fold the log into the file and cut it to nothing; both survive power loss then."""
        with self._lock, translated(f"writing {self._path}"):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._dirty = False

    def abandon(self) -> None:
        """Let go of a file that is about to be removed; who still reads finds no blocks."""
        with self._lock:
            self._db.close()
            self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            self._keys.clear()
            self._db.executescript(_SCHEMA)
            self._members = Members(self._db)
            self._dirty = False

    def stored(self, names: set[int]) -> set[int]:
        """Return those among the names whose block is stored."""
        with self._lock, translated(f"reading {self._path}"):
            return {name for name in names if self._is_taken(name)}

    def keys(self, signal: Signal, stream: str) -> list[BlockKey]:
        """Return the blocks of one stream, latest end first; the list is shared."""
        with self._lock, translated(f"reading {self._path}"):
            # Both change whenever a block does: by this connection, or by another one.
            state = self._db.total_changes, *self._db.execute("PRAGMA data_version").fetchone()
            known = self._keys.get((signal, stream))
            if known is not None and known[0] == state:
                return known[1]
            rows = self._db.execute(
                "SELECT name, rows, min_ns, max_us, size FROM block WHERE signal=? AND stream=?"
                " ORDER BY max_us DESC, name DESC",
                (signal, stream),
            ).fetchall()
            keys = [
                BlockKey(name, count, int(low) // 1000, high, size)
                for name, count, low, high, size in rows
            ]
            self._keys.pop((signal, stream), None)
            if len(keys) <= _MOST_KEYS:
                self._keys[signal, stream] = state, keys
        return keys

    def names(self) -> list[StoredName]:
        """Return every block by name: those that were merged, not what holds them."""
        query = (
            "SELECT name, signal, stream, rows FROM block"
            " WHERE name NOT IN (SELECT container FROM member) UNION ALL"
            " SELECT member.name, signal, stream, member.rows FROM member"
            " JOIN block ON block.name = member.container ORDER BY 1"
        )
        with self._lock, translated(f"reading {self._path}"):
            rows = self._db.execute(query).fetchall()
        return [StoredName(name, Signal(signal), *rest) for name, signal, *rest in rows]

    def count(self) -> int:
        """Return the number of blocks."""
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM block").fetchone()[0])

    def sync(self) -> None:
        """Make every committed block survive power loss."""
        if not self._dirty:
            return
        with translated(f"syncing {self._path}"):
            # The log alone: SQLite syncs it and the file itself when it folds one into the other.
            # Its locks are on other files, so closing this descriptor drops none of them.
            log = os.open(f"{self._path}-wal", os.O_RDONLY)
            try:
                os.fsync(log)
            finally:
                os.close(log)
        self._dirty = False

    def close(self) -> None:
        """Fold the WAL into the file and release it."""
        with self._lock:
            self._db.close()
