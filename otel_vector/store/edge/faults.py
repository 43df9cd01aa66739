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
from otel_vector.store.edge.shortage import NO_FILES, NO_MEMORY, shortage

__all__ = ["engine_writing", "lacking", "require_free_space", "translated"]

_FULL: Final = ("no space left", "disk is full", "disk quota", "file too large", "enospc")
_LOCKED: Final = ("wouldblock", "would block", "resource temporarily unavailable")
_READ_ONLY: Final = ("read-only", "readonly", "permission denied")
_NO_FILES: Final = ("too many open files", "toomanyopenfiles")
_NO_MEMORY: Final = ("cannot allocate memory", "out of memory", "outofmemory", "os error 12)")
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
        RetryableError: the process is out of memory, memory maps or file descriptors.
        StoreDamagedError: the file cannot be read.
    """
    try:
        yield
    except (MemoryError, SystemError) as fault:  # the latter: a call failed without saying why
        raise RetryableError(f"{what}: {NO_MEMORY}") from fault
    except (sqlite3.OperationalError, OSError, RuntimeError) as fault:
        raise _in_our_words(what, fault) from fault
    except sqlite3.DatabaseError as fault:
        raise StoreDamagedError(f"{what}: {fault}; restore this file from a backup") from fault
    except Exception as fault:
        if type(fault) is Exception:  # what the engine's binding raises
            raise _in_our_words(what, fault) from fault
        raise


def lacking(fault: Exception | str) -> str:
    """Return what a fault says the process ran out of, and what to do; empty if of nothing.

    Such a fault tells nothing of the file that was at hand.
    """
    code, text = getattr(fault, "errno", None), str(fault).lower()
    if code in {errno.EMFILE, errno.ENFILE} or any(word in text for word in _NO_FILES):
        return NO_FILES
    if code == errno.ENOMEM or any(word in text for word in _NO_MEMORY):
        return NO_MEMORY
    return ""


def _in_our_words(what: str, fault: Exception) -> Exception:
    text = str(fault).lower()
    if getattr(fault, "errno", None) in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} or any(
        word in text for word in _FULL
    ):
        return StorageFullError(f"{what}: the disk or its quota is full; free some space")
    if without := lacking(fault):
        return RetryableError(f"{what}: {without}")
    if any(word in text for word in _READ_ONLY):
        return StorageFullError(f"{what}: the folder is read-only; make it writable")
    if any(word in text for word in _LOCKED):
        return StoreLockedError(f"{what}: another process has it open; stop that process first")
    if without := shortage():  # SQLite does not say why it could not open or map a file
        return RetryableError(f"{what}: {without} ({fault})")
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
