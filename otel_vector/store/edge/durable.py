"""What is written whole or not at all: names in folders, rows of SQLite.

A rename or removal survives power loss once its folder is synced.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["rename_durably", "sync_folder", "transaction"]


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def rename_durably(source: Path, target: Path) -> None:
    """Rename within one folder; after it returns the new name survives power loss."""
    source.rename(target)
    sync_folder(target.parent)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block writes, or nothing of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        # On a full disk SQLite may have rolled back by itself.
        if db.in_transaction:
            db.execute("ROLLBACK")
