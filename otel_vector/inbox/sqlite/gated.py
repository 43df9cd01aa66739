"""Connections to SQLite in a process that may fork: see `otel_vector.inbox.forking`."""

from __future__ import annotations

import sqlite3
from typing import Any

from otel_vector.inbox.forking import GATE

__all__ = ["GatedConnection"]


class GatedConnection(sqlite3.Connection):
    """A connection whose work is done inside the gate."""

    def cursor(self, *_: Any) -> Any:
        """Return a cursor that goes through the gate."""
        return super().cursor(_GatedCursor)

    def close(self) -> None:
        """Close inside the gate."""
        with GATE:
            super().close()


class _GatedCursor(sqlite3.Cursor):
    def execute(self, *arguments: Any) -> Any:
        with GATE:
            return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        with GATE:
            return super().executemany(*arguments)

    def executescript(self, *arguments: Any) -> Any:
        with GATE:
            return super().executescript(*arguments)

    def fetchone(self) -> Any:
        with GATE:
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        with GATE:
            return super().fetchall()

    def __next__(self) -> Any:
        with GATE:
            return super().__next__()
