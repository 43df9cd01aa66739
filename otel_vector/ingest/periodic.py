"""Work that is done from time to time, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable

from otel_vector.ingest.loop import Loop
from otel_vector.telemetry import PartHealth

__all__ = ["Periodic"]


class Periodic:
    """Does one thing, rests, and does it again."""

    def __init__(self, name: str, work: Callable[[], object], every_s: float, advice: str) -> None:
        """Prepare the thread.

        Args:
            name: of the thread and the part, as health shows it.
            work: what is done.
            every_s: seconds from one end to the next beginning.
            advice: what a person should do when it fails, for the log.
        """
        self._work = work
        self._every_s = every_s
        self._loop = Loop(name, self, advice)

    def start(self) -> None:
        """Start the thread; it begins with the work."""
        self._loop.start()

    def stop(self, deadline_s: float) -> bool:
        """Finish the work in hand; return whether that was in time."""
        return self._loop.stop(deadline_s)

    def health(self) -> PartHealth:
        """Return whether the last work succeeded."""
        return self._loop.health()

    def step(self) -> None:
        """Do the work, then rest."""
        self._work()
        self._loop.pause(self._every_s)

    def finish(self) -> None:
        """Leave nothing behind."""
