"""One writer at a time among all processes, each waiting about as long as the others.

SQLite alone lets waiting writers sleep for up to 100 ms between tries, while a busy door takes
the lock again a microsecond after it let it go. So a writer passes a turnstile first::

    hold turnstile ─ wait for gate ─ let go of turnstile ─ write ─ let go of gate

Whoever comes back from writing meets the turnstile, which the next in turn holds until it has
the gate. Both are `flock`s: the kernel lets go of them when a process dies.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from otel_vector.errors import RetryableError
from otel_vector.inbox.forking import close_lock_file, open_lock_file

__all__ = ["WriteLock"]

_POLL_S = 0.0005
_PATIENCE_S = 30.0


class WriteLock:
    """The turnstile and the gate, opened for one thread.

    Args:
        folder: where their files are.
    """

    def __init__(self, folder: Path) -> None:
        self._turnstile = open_lock_file(folder / "turn.lock")
        self._gate = open_lock_file(folder / "write.lock")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the right to write.

        Raises:
            RetryableError: another process kept it for 30 s.
        """
        _acquire(self._turnstile)
        try:
            _acquire(self._gate)
        finally:
            fcntl.flock(self._turnstile, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._gate, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close both files."""
        for file in (self._turnstile, self._gate):
            close_lock_file(file)


def _acquire(descriptor: FileIO) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise RetryableError(
                    f"another process has kept the inbox locked for {_PATIENCE_S:.0f} s; "
                    "look for a stopped otel-vector process"
                ) from None
            time.sleep(_POLL_S)
        else:
            return
