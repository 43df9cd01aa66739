"""From the files of an older version to those of this one, step by step.

A step is a function of one tenant's folder. It brings what version n wrote to what version n + 1
reads, and may run again on what it has changed already: a process may end between any two
lines, and the version in `store.json` is raised only when the step of every tenant is durable.

A new table needs no step: `CREATE TABLE IF NOT EXISTS` makes it when a file is opened. A new
column of an old table does; so do rows that have to be written differently.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Final

from otel_vector.store.edge.faults import translated
from otel_vector.store.edge.header import SCHEMA, header_schema, raise_schema

__all__ = ["STEPS", "Step", "add_column", "migrate"]

Step = Callable[[Path], None]
"""Changes the files of one tenant's folder."""


def add_column(file: Path, table: str, column: str, declaration: str) -> None:
    """Add a column to a table, if the file and the table are there and the column is not.

    Args:
        file: a SQLite file.
        table: its table.
        column: the new column's name.
        declaration: its type and default: `INTEGER NOT NULL DEFAULT 0`.
    """
    if not file.exists():
        return
    with translated(f"migrating {file}"), closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA synchronous=FULL")
        known = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
        if known and column not in known:
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column} {declaration}")


def _from_1(tenant: Path) -> None:
    """Let shards be replaced by others."""
    manifest = tenant / "manifest.db"
    add_column(manifest, "shard", "generation", "INTEGER NOT NULL DEFAULT 0")
    add_column(manifest, "shard", "sealed", "INTEGER NOT NULL DEFAULT 0")


STEPS: Final[Mapping[int, Step]] = MappingProxyType({1: _from_1})
"""Version → what brings a tenant's folder from it to the next version."""


def migrate(folder: Path) -> None:
    """Bring a store's folder to this version; do nothing if it is new, of this one or newer.

    Args:
        folder: the store's folder; its lock is held.

    Raises:
        StorageFullError: the disk is full; the next try goes on.
        StoreDamagedError: a file cannot be read; nothing more was changed.
    """
    schema = header_schema(folder / "store.json")
    while schema is not None and schema < SCHEMA:
        for tenant in sorted((folder / "tenants").glob("*/")):
            STEPS[schema](tenant)
        schema += 1
        raise_schema(folder / "store.json", schema)
