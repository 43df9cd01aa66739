"""Readers first: the writer steps aside between two engine calls while someone reads.

The engine holds the interpreter lock for the length of a call, so a reader that needs ten calls
would wait for ten of the writer's. The wait is bounded: readers cannot starve the writer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Final

__all__ = ["Gate"]

_MAX_WAIT_S: Final = 0.05


class Gate:
    """Counts readers; lets the writer wait until there are none, or 50 ms have passed."""

    def __init__(self) -> None:
        self._readers = 0
        self._idle = Condition()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Mark the calling thread as reading."""
        with self._idle:
            self._readers += 1
        try:
            yield
        finally:
            with self._idle:
                self._readers -= 1
                if not self._readers:
                    self._idle.notify_all()

    def step_aside(self) -> None:
        """Wait while someone reads, 50 ms at most. Called by the writer between engine calls."""
        if not self._readers:
            return
        with self._idle:
            self._idle.wait_for(lambda: not self._readers, _MAX_WAIT_S)
