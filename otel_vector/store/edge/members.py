"""Blocks that were merged: each is a run of rows of a larger one, its container.

A point names its block, and so does a redelivery by its digest. Neither name goes away when
blocks are merged: a row here says in which container a block's items are, and from which row on.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Member", "Members"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS member (
    name INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    container INTEGER NOT NULL,
    first_row INTEGER NOT NULL,
    rows INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS member_by_container ON member (container, first_row);
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A merged block: its name, its container, and which of the container's rows are its."""

    name: int
    container: int
    first_row: int
    rows: int


class Members:
    """The merged blocks of one file. The file's lock is held in every call."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """Read what is merged."""
        self._db = db
        db.executescript(_SCHEMA)
        self._known: dict[int, Member] = {}
        self._contained: dict[int, list[Member]] = {}
        self._moved: dict[int, Member] = {}
        """Containers that were merged: who began to scan before that still asks for them."""
        for row in db.execute(
            "SELECT name, container, first_row, rows FROM member ORDER BY container, first_row"
        ):
            self._remember(Member(*row))

    def _remember(self, member: Member) -> None:
        self._known[member.name] = member
        self._contained.setdefault(member.container, []).append(member)

    def get(self, name: int) -> Member | None:
        """Return where a block is, if it was merged; a container too."""
        member = self._known.get(name) or self._moved.get(name)
        while member is not None and member.container in self._moved:
            at = self._moved[member.container]
            first = at.first_row + member.first_row
            member = Member(name, at.container, first, member.rows)
        return member

    def find(self, digest: bytes) -> int | None:
        """Return the name of the merged block with this digest."""
        row = self._db.execute("SELECT name FROM member WHERE digest=?", (digest,)).fetchone()
        return int(row[0]) if row else None

    def of(self, container: int) -> list[Member]:
        """Return what a block contains, in order; nothing if it is no container."""
        return self._contained.get(container, [])

    def at(self, container: int, position: int) -> tuple[int, int]:
        """Return the name and position by which a point names an item of a stored block."""
        moved = self._moved.get(container)
        if moved is not None:
            return self.at(moved.container, moved.first_row + position)
        members = self._contained.get(container)
        if not members:
            return container, position
        member = members[bisect_right([m.first_row for m in members], position) - 1]
        return member.name, position - member.first_row

    def unite(self, blocks: Iterable[tuple[int, bytes, int]], container: int) -> list[Member]:
        """Write that blocks are in a container, one after the other; `settle` when committed.

        Args:
            blocks: name, digest and rows of each, in order.
            container: the name of the new block.
        """
        united: list[Member] = []
        first = 0
        for name, digest, rows in blocks:
            for member in self.of(name):
                united.append(
                    Member(member.name, container, first + member.first_row, member.rows)
                )
                self._db.execute(
                    "UPDATE member SET container=?, first_row=? WHERE name=?",
                    (container, first + member.first_row, member.name),
                )
            if not self.of(name):
                united.append(Member(name, container, first, rows))
                self._db.execute(
                    "INSERT INTO member VALUES (?,?,?,?,?)", (name, digest, container, first, rows)
                )
            first += rows
        return united

    def settle(self, gone: Sequence[int], united: Sequence[Member]) -> None:
        """Know what was committed: containers that are no more, and where their blocks are."""
        places = {member.name: member for member in united}
        for name in gone:
            inside = self._contained.get(name, ())
            if inside:
                start, rows = places[inside[0].name], sum(member.rows for member in inside)
                self._moved[name] = Member(name, start.container, start.first_row, rows)
        self.forget(gone)
        for member in united:
            self._remember(member)

    def drop(self, containers: Iterable[int]) -> None:
        """Remove the rows of containers that are removed; `forget` when committed."""
        for container in containers:
            self._db.execute("DELETE FROM member WHERE container=?", (container,))

    def forget(self, containers: Iterable[int]) -> None:
        """Know containers no more."""
        for container in containers:
            for member in self._contained.pop(container, ()):
                self._known.pop(member.name, None)
