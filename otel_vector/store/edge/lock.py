"""One process per store: an advisory lock on a file that names who holds it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from otel_vector.errors import StoreLockedError

__all__ = ["FolderLock"]


class FolderLock:
    """Held from construction to `release`; the system drops it when the process ends."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            StoreLockedError: another process holds it; the message names it.
        """
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            holder = os.read(self._file, 32).decode("ascii", "replace").strip()
            os.close(self._file)
            raise StoreLockedError(
                f"the store {path.parent} is open in process {holder or 'unknown'};"
                " stop that process, or ask it over HTTP"
            ) from fault
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, str(os.getpid()).encode("ascii"), 0)

    def release(self) -> None:
        """Let the next process have the store; once is enough."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)
