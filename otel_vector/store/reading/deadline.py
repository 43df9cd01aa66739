"""How long one question may read: a question that pins the engine keeps others waiting."""

from __future__ import annotations

from time import monotonic

from otel_vector.errors import QueryTimeoutError

__all__ = ["Deadline"]


class Deadline:
    """Runs from its making."""

    def __init__(self, seconds: float) -> None:
        """Allow so many seconds from now."""
        self._seconds = seconds
        self._end = monotonic() + seconds

    def check(self) -> None:
        """Go on, or stop.

        Raises:
            QueryTimeoutError: the time is up.
        """
        if monotonic() > self._end:
            raise QueryTimeoutError(
                f"the question was not answered in {self._seconds:g} s; narrow it by service,"
                " time window or an exact phrase, or raise store.query_timeout_s"
            )
