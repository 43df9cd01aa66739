"""The operations of a tenant: all of them are asked for by every filter on service, name or kind.

They are kept; before each use the server is asked how many there are and which is the latest,
since another collector may have added some. Every so often all are read anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from time import monotonic
from typing import Any, Final

from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.render import holds_text
from otel_vector.store.qdrant.texts import meaning_in

__all__ = ["Operations"]

_WHOLE_S: Final = 30.0

_State = tuple[int, int]
"""How many there are, and when the latest was created."""


class Operations:
    """The operations as the server has them."""

    def __init__(self, bound: Bound, gone: Any) -> None:
        """Know where they are; nothing is read yet."""
        self._bound = bound
        self._gone = gone
        self._is_one = holds_text("facet", [str(Facet.OPERATION)])
        self._lock = Lock()
        self._state: _State = (0, 0)
        self._read_at = 0.0
        self._kept: list[Meaning] = []

    def all(self) -> Sequence[Meaning]:
        """Return all of them."""
        state = self._asked()
        with self._lock:
            if state == self._state and monotonic() - self._read_at < _WHOLE_S:
                return self._kept
        points = self._bound.scroll("meanings", [self._is_one], [self._gone])
        found = [meaning_in(point) for point in points]
        with self._lock:
            self._state, self._kept, self._read_at = state, found, monotonic()
        return found

    def _asked(self) -> _State:
        count, newest = self._bound.connection.gather(
            [
                self._bound.counting("meanings", [self._is_one], [self._gone]),
                self._bound.ordering(
                    "meanings", "c", 2, newest=True, must=[self._is_one], without=[self._gone],
                    fields=("c",),
                ),
            ]
        )  # fmt: skip
        latest = newest.result[0].payload["c"].integer_value if newest.result else 0
        return int(count.result.count), latest

    def forget(self) -> None:
        """Read them anew next time."""
        with self._lock:
            self._read_at = float("-inf")
