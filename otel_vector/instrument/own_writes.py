"""What this process has written can be found by what it asks next.

What waits is flushed; then the store is asked for the last span and the last function until it has
them, since a collector that has accepted something has not yet stored it. What was stored before
them is there, too. What was found is not waited for again.

::

    flush ─▶ is it there? ─┬─ yes ─────────────────────────────▶ found
                 ▲         ├─ no, and nothing waits to be stored ▶ lost: told, not waited for again
                 └── pause ┴─ no, and the deadline has come ─────▶ late: told, waited for again
"""

from __future__ import annotations

import logging
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
_FIRST_LOOK_S: Final = 0.3  # until then it is likely just being stored
_ANY: Final[Json] = {"group": False, "limit": 1, "runs": ["all"]}
_log = logging.getLogger("otel_vector.instrument")


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

    def wait(self, asked: Asked, *, vectors: bool) -> None:
        """Wait for what was written; a warning says so if not all of it is there.

        Args:
            asked: who is to have it.
            vectors: whether its texts are to have their vectors, too.

        Raises:
            OtelVectorError: the store does not answer.
        """
        if self._outlet is None:
            return
        patience = _Patience(asked, self._deadline_s)
        patience.has_flushed = self._outlet.flush(self._deadline_s)
        self._wait_for_span(asked, self._outlet, patience)
        self._wait_for_functions(asked, patience)
        if vectors and self._awaits_vectors:
            # Texts of others wait, too, and some never get a vector: this is tried once.
            self._awaits_vectors = False
            patience.comes("the vectors of texts", lambda: not asked.search(_ANY)["pending"])
        patience.tell()

    def _wait_for_span(self, asked: Asked, outlet: Outlet, patience: _Patience) -> None:
        span = outlet.last_span
        if span is None or span == self._span:
            return
        ids = f"{span.trace_id:032x}", f"{span.span_id:016x}"
        self._awaits_vectors = True
        if patience.settles("the last span", lambda: _is_there(lambda: bool(asked.spans(*ids)))):
            self._span = span

    def _wait_for_functions(self, asked: Asked, patience: _Patience) -> None:
        announced, place = pending(self._functions)
        if not announced:
            return
        service = str(resource_of(()).attributes.get("service.name", ""))
        last = announced[-1]
        self._awaits_vectors = True
        if patience.settles(
            "the last function", lambda: _is_there(lambda: _has(asked, service, last))
        ):
            self._functions = place


class _Patience:
    """Looks again and again, up to one deadline for all that a search waits for.

    Attributes:
        has_flushed: whether all that was recorded has left this process.
    """

    def __init__(self, asked: Asked, deadline_s: float) -> None:
        self._asked = asked
        self._begun = time.monotonic()
        self._deadline_s = deadline_s
        self._late: list[str] = []
        self._lost: list[str] = []
        self.has_flushed = False

    def settles(self, what: str, is_there: Callable[[], bool]) -> bool:
        """Wait for what is to be stored; return whether it came, or is not going to."""
        return self._is_over(what, is_there, lambda: self._is_lost(is_there))

    def comes(self, what: str, is_there: Callable[[], bool]) -> bool:
        """Wait for something; return whether it came."""
        return self._is_over(what, is_there, lambda: False)

    def _is_over(
        self, what: str, is_there: Callable[[], bool], is_lost: Callable[[], bool]
    ) -> bool:
        while not is_there():
            if is_lost():
                self._lost.append(what)
                return True
            if self._waited_s() >= self._deadline_s:
                self._late.append(what)
                return False
            time.sleep(min(max(_FIRST_POLL_S, self._waited_s() / 2), _LONGEST_POLL_S))
        return True

    def tell(self) -> None:
        """Log what was not found, and what to do about it."""
        if self._late:
            _log.warning(
                "rows may be missing: after %.1f s the store does not have %s of this process;"
                " search again later, and see with `otel-vector stats` what waits",
                self._waited_s(),
                " and ".join(self._late),
            )
        if self._lost:
            _log.warning(
                "rows may be missing: the store does not have %s of this process and has nothing"
                " left to store; see whether it was deleted or refused, and whether spans are sent"
                " where searches ask (exporter.endpoint, client.url)",
                " and ".join(self._lost),
            )

    def _waited_s(self) -> float:
        return time.monotonic() - self._begun

    def _is_lost(self, is_there: Callable[[], bool]) -> bool:
        """Return whether all is stored that the store has accepted; asked only after a while."""
        is_due = self.has_flushed and self._waited_s() > _FIRST_LOOK_S
        return is_due and self._asked.waiting() == 0 and not is_there()


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
