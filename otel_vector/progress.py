"""How long work says how far it is, and learns that it is to end.

Whoever does long work takes a `Progress` and reports between its steps; a job stores what it is
told and a command line draws it. Each report is also the place where work that was cancelled
ends: nothing is interrupted in the middle of a step.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "unreported"]


class Progress(Protocol):
    """Takes reports of one piece of work."""

    def __call__(self, done: int, total: int | None = None, note: str = "") -> None:
        """Take a report.

        Args:
            done: steps done so far, in the work's own unit (items, shards, bytes).
            total: steps there are; None if that is not known.
            note: what is being done now, for people.

        Raises:
            JobCancelledError: the work was told to end; what is done so far stays.
        """
        ...


def unreported(done: int, total: int | None = None, note: str = "") -> None:
    """Take a report and do nothing with it: for work that nobody watches."""
