"""Holds a fork back while a thread is where it may have a lock that a child could never get.

SQLite's allocator and other C libraries keep locks of the whole process. A thread that has one
while another thread forks leaves it locked in the child, for good: for us, and for the
application that uses the same library. So our threads go through a gate, and a fork waits until
none is inside, for as long as one commit takes; after `_PATIENCE_S` it goes on all the same.
"""

from __future__ import annotations

import os
import threading
from typing import Final

__all__ = ["GATE", "ForkGate"]

_PATIENCE_S: Final = 2.0


class ForkGate:
    """A gate that any number of threads are inside of, or forks, but never both."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._inside = 0
        self._forks = 0

    def __enter__(self) -> None:
        """Go inside, after the forks under way. Not to be nested."""
        with self._turn:
            while self._forks:
                self._turn.wait()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        """Leave."""
        with self._turn:
            self._inside -= 1
            if not self._inside:
                self._turn.notify_all()

    def hold(self) -> None:
        """Let nobody in and wait until nobody is inside; called before a fork."""
        with self._turn:
            self._forks += 1
            self._turn.wait_for(lambda: not self._inside, _PATIENCE_S)

    def release(self) -> None:
        """Let the threads go on; called after a fork in the parent."""
        with self._turn:
            self._forks -= 1
            self._turn.notify_all()

    def renew(self) -> None:
        """Forget the threads, which a forked child has none of."""
        self._turn = threading.Condition()
        self._inside = self._forks = 0


GATE: Final = ForkGate()
"""The gate of this process."""

os.register_at_fork(before=GATE.hold, after_in_parent=GATE.release, after_in_child=GATE.renew)
