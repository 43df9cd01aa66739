"""What this process has written can be found by what it asks next.

What waits is flushed; then the store is asked for the last span and the last function until it has
them, since a collector that has accepted something has not yet stored it. What was stored before
them is there, too. All of this ends at a deadline, and is done once for what was written.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from otel_vector.describe.functions import function_body, function_key
from otel_vector.errors import NotFoundError
from otel_vector.exporter.announcements import pending
from otel_vector.exporter.outlet import Outlet
from otel_vector.exporter.resources import resource_of
from otel_vector.instrument.asking import Asked, Json
from otel_vector.spans.functions import COLLECTION, FunctionRecord
from otel_vector.spans.markers import MARKER

__all__ = ["OwnWrites"]

_DEADLINE_S: Final = 10.0
_FIRST_POLL_S: Final = 0.005
_LONGEST_POLL_S: Final = 0.2
_ANY: Final[Json] = {"group": False, "limit": 1, "runs": ["all"]}


class OwnWrites:
    """Waits until the writes of an outlet are found.

    Args:
        outlet: what writes; None if nothing does.
        deadline_s: seconds that one wait may take.
    """

    def __init__(self, outlet: Outlet | None, deadline_s: float = _DEADLINE_S) -> None:
        self._outlet = outlet
        self._deadline_s = deadline_s
        self._span: object = None
        self._functions = 0
        self._awaits_vectors = False

    def wait(self, asked: Asked, *, vectors: bool) -> bool:
        """Wait for what was written; return whether it is there.

        Args:
            asked: who is to have it.
            vectors: whether its texts are to have their vectors, too.

        Raises:
            OtelVectorError: the store does not answer.
        """
        if self._outlet is None:
            return True
        deadline = time.monotonic() + self._deadline_s
        self._outlet.flush(self._deadline_s)
        done = self._wait_for_span(asked, self._outlet, deadline)
        done = self._wait_for_functions(asked, deadline) and done
        if vectors and self._awaits_vectors:
            done = _until(lambda: not asked.search(_ANY)["pending"], deadline) and done
            self._awaits_vectors = False
        return done

    def _wait_for_span(self, asked: Asked, outlet: Outlet, deadline: float) -> bool:
        span = outlet.last_span
        if span is None or span == self._span:
            return True
        self._span, self._awaits_vectors = span, True
        ids = f"{span.trace_id:032x}", f"{span.span_id:016x}"
        return _until(lambda: _is_there(lambda: bool(asked.spans(*ids))), deadline)

    def _wait_for_functions(self, asked: Asked, deadline: float) -> bool:
        announced, place = pending(self._functions)
        if not announced:
            return True
        self._functions, self._awaits_vectors = place, True
        service = str(resource_of(()).attributes.get("service.name", ""))
        return _until(lambda: _is_there(lambda: _has(asked, service, announced[-1])), deadline)


def _has(asked: Asked, service: str, function: FunctionRecord) -> bool:
    """Return whether a function's record is what was announced, but for what was redacted."""
    stored = asked.record(COLLECTION, function_key(service, function))["body"]
    announced = function_body(service, function)
    return all(_is_same(stored.get(name), value) for name, value in announced.items())


def _is_same(stored: object, announced: object) -> bool:
    return stored == announced or MARKER.search(str(stored)) is not None


def _is_there(look: Callable[[], bool]) -> bool:
    try:
        return look()
    except NotFoundError:
        return False


def _until(is_so: Callable[[], bool], deadline: float) -> bool:
    """Ask until something is so; return whether it was in time."""
    pause_s = _FIRST_POLL_S
    while not is_so():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_POLL_S)
    return True
