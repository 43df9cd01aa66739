"""One process at a time has a data folder open.

The lock is an flock on `DATA/lock`, which the kernel releases with the process, however it
ends. The file holds who has it, so that the one who is turned away can say so. A forked child
inherits the hold and has to `abandon` it, since it would keep it when its parent is gone.
"""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import orjson

from otel_vector.errors import ConfigError, StorageFullError, StoreLockedError

__all__ = ["FolderLock", "Holder", "holder_of"]

_NAME = "lock"
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a folder open: process id and the command it was started with."""

    pid: int
    command: str


_UNKNOWN: Final = Holder(0, "another process")


class FolderLock:
    """An exclusive hold on a data folder, until `release`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, data: Path, command: str, wait_s: float = 1.0) -> Self:
        """Lock a folder, creating it (mode 0700) if there is none.

        Args:
            data: the data folder.
            command: what this process does, for those who are turned away.
            wait_s: how long to wait for another process to leave, in seconds.

        Raises:
            ConfigError: the folder cannot be made or written.
            StorageFullError: the disk is full.
            StoreLockedError: another process has it.
        """
        descriptor = _opened(data)
        deadline = time.monotonic() + wait_s
        while not _locked(descriptor):
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise StoreLockedError(cls.sentence(data, holder_of(data) or _UNKNOWN))
            time.sleep(_POLL_S)
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, orjson.dumps({"pid": os.getpid(), "command": command}), 0)
        except OSError as error:
            os.close(descriptor)
            raise StorageFullError(
                f"the data folder {data} cannot be written: {error.strerror}; free some space"
            ) from error
        return cls(descriptor)

    @classmethod
    def sentence(cls, data: Path, holder: Holder) -> str:
        """Return what the one who is turned away is told."""
        return (
            f"the data folder {data} is open in {holder.command} (process {holder.pid}): wait "
            "until it is done, stop it, or choose another folder"
        )

    def release(self) -> None:
        """Let the folder go. Releasing twice is allowed."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            self.abandon()

    def abandon(self) -> None:
        """Close what a forked child inherited; the folder stays its parent's."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def holder_of(data: Path) -> Holder | None:
    """Return who has a folder open now, or None."""
    try:
        descriptor = os.open(data / _NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if _locked(descriptor, fcntl.LOCK_SH):
            return None
        return _holder(os.pread(descriptor, 4096, 0))
    finally:
        os.close(descriptor)


def _opened(data: Path) -> int:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(data / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"the data folder {data} cannot be written: {error.strerror}; make it writable for "
            f"user id {os.getuid()} or choose another"
        ) from error


def _locked(descriptor: int, how: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(text: bytes) -> Holder:
    try:
        found = orjson.loads(text)
        return Holder(int(found["pid"]), str(found["command"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return Holder(0, "a process that is just starting")
