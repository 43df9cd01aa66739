"""A copy of a tenant's folder as it is at one moment, taken while it is open.

Whoever calls holds the tenant's `writing` and has checkpointed. SQLite files are copied by
SQLite itself: opening one beside it would drop the locks this process holds on it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Final

from otel_vector.progress import Progress
from otel_vector.store.edge.copies import copy_file, copy_folder
from otel_vector.store.edge.durable import sync_folder
from otel_vector.store.edge.faults import translated

__all__ = ["Reported", "copy_database", "copy_open_folder", "parts_of"]

_SEGMENTS: Final = "segments"
_PASSED_OVER: Final = (".new", "-wal", "-shm", "-journal")


def copy_open_folder(
    source: Path,
    target: Path,
    folders: Collection[Path],
    copied: Callable[[Path], None],
    held: Callable[[Path], AbstractContextManager[object]],
) -> None:
    """Copy a folder of SQLite files, engine folders and plain files; durable on return.

    Args:
        source: the folder; nobody may write to it meanwhile.
        target: must not exist.
        folders: those within it that count, at any depth; others may be made and removed
            meanwhile, and are passed over.
        copied: told each file or engine folder that was copied, and may raise to end it.
        held: keeps an engine folder from being opened or closed: both change files. It may find
            that it is damaged and set it aside; then it is passed over.

    Raises:
        StorageFullError: the disk is full; the rest of a copy is left at the target.
    """
    with translated(f"copying {source}"):
        target.mkdir(mode=0o700)
    for entry in _entries(source, folders):
        if entry.is_dir() and not _is_engine(entry):
            copy_open_folder(entry, target / entry.name, folders, copied, held)
            continue
        if entry.is_dir():
            with held(entry):
                if entry.is_dir():
                    copy_folder(entry, target / entry.name)
        elif entry.suffix == ".db":
            copy_database(entry, target / entry.name)
        else:
            with translated(f"copying {entry}"):
                copy_file(entry, target / entry.name)
        copied(entry)
    sync_folder(target)


def copy_database(source: Path, target: Path) -> None:
    """Copy one SQLite file as it is at one moment, whoever writes to it; durable on return."""
    uri = f"{source.absolute().as_uri()}?mode=rw"
    with translated(f"copying {source}"):
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(uri, uri=True)) as read, \
                closing(sqlite3.connect(target)) as write:  # fmt: skip
            read.backup(write)
            write.execute("PRAGMA journal_mode=DELETE")
        with target.open("rb") as file:
            os.fsync(file.fileno())


def parts_of(folder: Path, folders: Collection[Path]) -> int:
    """Return the number of files and engine folders that `copy_open_folder` copies."""
    return sum(
        parts_of(entry, folders) if entry.is_dir() and not _is_engine(entry) else 1
        for entry in _entries(folder, folders)
    )


class Reported:
    """Tells a `Progress` of each part copied."""

    def __init__(self, progress: Progress, total: int) -> None:
        """Count up to `total` parts."""
        self._progress = progress
        self._total = total
        self._done = 0

    def __call__(self, part: Path) -> None:
        """Take one part as copied.

        Raises:
            JobCancelledError: the copy is to end.
        """
        self._done += 1
        note = f"copied {part.parent.name}/{part.name}"
        self._progress(self._done, max(self._total, self._done), note)


def _entries(folder: Path, folders: Collection[Path]) -> list[Path]:
    found = [entry for entry in folder.iterdir() if not entry.name.endswith(_PASSED_OVER)]
    return sorted(entry for entry in found if entry in folders or entry.is_file())


def _is_engine(folder: Path) -> bool:
    return (folder / _SEGMENTS).is_dir()
