"""Holds a fork back while a thread is where it may have a lock that a child could never get.

C libraries keep locks, and notes of what is locked, for the whole process: SQLite its allocator's
and those of each open file, gRPC those of its threads, Python those of a module that is being
imported. A fork in the middle of it leaves them as they are in the child, for good: for us, and
for the application that uses the same library. So our threads go through a gate, and a fork waits
until none is inside, for as long as one commit takes. Who might stay inside for longer says how to
be sent away::

    fork ─▶ .05 s ─▶ who can be sent away is ─▶ 2 s ─▶ it goes on all the same, and the child
            keeps its hands off what it inherited (`is_forced`)

Files that are locked are another matter: a lock lasts as long as any copy of its descriptor, so a
child closes its copies at once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Final

__all__ = ["GATE", "ForkGate", "close_lock_file", "open_lock_file"]

_MOMENT_S: Final = 0.05
_PATIENCE_S: Final = 2.0


class ForkGate:
    """A gate that any number of threads are inside of, or forks, but never both.

    Attributes:
        is_forced: this process was forked although somebody was inside.
    """

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._inside = 0
        self._forks = 0
        self._leave: list[Callable[[], object]] = []
        self._forcing = False
        self.is_forced = False

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

    @contextmanager
    def hurried(self, leave: Callable[[], object]) -> Iterator[None]:
        """Go inside; a fork that has waited a moment calls `leave`, which must make an end of it.

        Args:
            leave: called by the thread that forks; it neither waits nor raises.
        """
        with self:
            self._leave.append(leave)
            try:
                yield
            finally:
                self._leave.remove(leave)

    def hold(self) -> None:
        """Let nobody in and wait until nobody is inside; called before a fork."""
        with self._turn:
            self._forks += 1
            leaving = [] if self._is_left(_MOMENT_S) else list(self._leave)
        for leave in leaving:
            leave()
        with self._turn:
            self._forcing = not self._is_left(_PATIENCE_S)

    def release(self) -> None:
        """Let the threads go on; called after a fork in the parent."""
        with self._turn:
            self._forks -= 1
            self._turn.notify_all()

    def renew(self) -> None:
        """Forget the threads, which a forked child has none of."""
        self._turn = threading.Condition()
        self._inside = self._forks = 0
        self._leave = []
        self.is_forced = self.is_forced or self._forcing

    def _is_left(self, within_s: float) -> bool:
        return self._turn.wait_for(lambda: not self._inside, within_s)


GATE: Final = ForkGate()
"""The gate of this process."""

_lock_files: Final[set[FileIO]] = set()


def open_lock_file(path: Path) -> FileIO:
    """Open a file to be locked, which forked children close at once.

    Raises:
        OSError: it cannot be opened.
    """
    with GATE:
        file = FileIO(path, "r+", opener=_create)
        _lock_files.add(file)
    return file


def close_lock_file(file: FileIO) -> None:
    """Close such a file, and with it let go of its lock."""
    with GATE:
        _lock_files.discard(file)
        file.close()


def _create(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o600)


def _after_in_child() -> None:
    GATE.renew()
    for file in _lock_files:
        file.close()
    _lock_files.clear()


os.register_at_fork(before=GATE.hold, after_in_parent=GATE.release, after_in_child=_after_in_child)
