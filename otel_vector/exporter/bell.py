"""Wakes a thread, from anywhere: also from a signal handler or a finalizer that interrupts it."""

from __future__ import annotations

import threading
from contextlib import suppress

__all__ = ["Bell"]


class Bell:
    """Rings until the one thread that waits has heard it.

    `threading.Event` takes a lock to ring: who interrupts its own thread there, and rings as well,
    would wait for itself. Here a lock is the bell, and letting it go is one step.
    """

    __slots__ = ("_silent",)

    def __init__(self) -> None:
        self._silent = threading.Lock()
        self._silent.acquire()

    def ring(self) -> None:
        """Wake the thread, or have it not sleep the next time; never waits."""
        if self._silent.locked():
            with suppress(RuntimeError):  # another rang in between
                self._silent.release()

    def wait(self, timeout_s: float | None) -> bool:
        """Sleep until it rings and silence it; False if it did not ring in time."""
        return self._silent.acquire(timeout=-1 if timeout_s is None else timeout_s)

    def silence(self) -> None:
        """Forget that it rang."""
        self._silent.acquire(blocking=False)
