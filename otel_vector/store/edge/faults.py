"""Engine and SQLite faults in the words of `otel_vector.errors`."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from otel_vector.errors import (
    RetryableError,
    StorageFullError,
    StoreDamagedError,
    StoreLockedError,
)

__all__ = ["engine_writing", "require_free_space", "translated"]

_FULL: Final = ("no space left", "disk is full", "disk quota", "file too large", "enospc")
_LOCKED: Final = ("wouldblock", "would block", "resource temporarily unavailable")
_READ_ONLY: Final = ("read-only", "readonly", "permission denied")
_NO_FILES: Final = "too many open files"
_MIN_FREE_BYTES: Final = 64 << 20
"""The engine maps sparse files of 32 MiB; a disk that fills under a map kills the process
(SIGBUS), so no engine call that writes may begin without this much in reserve."""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Run engine or SQLite calls; raise their faults as errors that say what to do.

    Args:
        what: what was being done to which file, for the message.

    Raises:
        StorageFullError: no space, quota reached, or the folder is read-only.
        StoreLockedError: another process holds the file.
        StoreDamagedError: the file cannot be read.
    """
    try:
        yield
    except (sqlite3.OperationalError, OSError, RuntimeError) as fault:
        raise _in_our_words(what, fault) from fault
    except sqlite3.DatabaseError as fault:
        raise StoreDamagedError(f"{what}: {fault}; restore this file from a backup") from fault
    except Exception as fault:
        if type(fault) is Exception:  # what the engine's binding raises
            raise _in_our_words(what, fault) from fault
        raise


def _in_our_words(what: str, fault: Exception) -> Exception:
    text = str(fault).lower()
    if getattr(fault, "errno", None) in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} or any(
        word in text for word in _FULL
    ):
        return StorageFullError(f"{what}: the disk or its quota is full; free some space")
    if getattr(fault, "errno", None) in {errno.EMFILE, errno.ENFILE} or _NO_FILES in text:
        return RetryableError(f"{what}: no file descriptors are left; raise the limit (ulimit -n)")
    if any(word in text for word in _READ_ONLY):
        return StorageFullError(f"{what}: the folder is read-only; make it writable")
    if any(word in text for word in _LOCKED):
        return StoreLockedError(f"{what}: another process has it open; stop that process first")
    return StoreDamagedError(f"{what}: {fault}; restore it from a backup")


@contextmanager
def engine_writing(what: str, folder: Path) -> Iterator[None]:
    """Run engine calls that write; none begins on a disk that is nearly full.

    Args:
        what: what is being done, for the message.
        folder: where.

    Raises:
        StorageFullError: fewer than 64 MiB are free; nothing was called.
        StoreLockedError: another process holds the file.
        StoreDamagedError: the file cannot be read.
    """
    require_free_space(folder)
    with translated(f"{what} {folder}"):
        yield


def require_free_space(folder: Path) -> None:
    """Refuse to write when the disk is nearly full.

    Raises:
        StorageFullError: fewer than 64 MiB are free.
    """
    stat = os.statvfs(folder)
    if stat.f_bavail * stat.f_frsize < _MIN_FREE_BYTES:
        raise StorageFullError(
            f"less than {_MIN_FREE_BYTES >> 20} MiB are free on the disk of {folder};"
            " free some space, until then nothing more is written there"
        )
