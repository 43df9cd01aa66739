"""What only one collector at a time may do for a tenant: a lease, as a point in `records`.

It ends by itself when its holder is gone; a holder that is at work renews it between its steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import time
from typing import Any, Final
from uuid import uuid4

from otel_vector.errors import StoreUnavailableError
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.names import uuid_of
from otel_vector.store.qdrant.render import among, holds_text
from otel_vector.store.qdrant.values import plain

__all__ = ["Lease", "leased"]

_LASTS_S: Final = 600


class Lease:
    """A lease in hand."""

    def __init__(self, bound: Bound, what: str) -> None:
        """Name what it is for; nothing is asked yet."""
        self._bound = bound
        self._id = uuid_of("lease", bound.tenant, what)
        self._owner = uuid4().hex

    def take(self) -> bool:
        """Return whether it is ours now."""
        for _ in range(2):
            fields = {"kind": "lease", "of": self._owner, "v": int(time()) + _LASTS_S}
            self._bound.insert("records", [self._bound.point(self._id, fields)])
            held = self._held()
            if held is not None and held["of"] == self._owner:
                return True
            if held is not None and held["v"] > time():
                return False
            if held is not None:
                self._bound.delete("records", self._of(held["of"]))
        return False

    def renew(self) -> None:
        """Hold it for longer.

        Raises:
            StoreUnavailableError: it ended, and another process may have taken it.
        """
        self._bound.set_fields("records", self._of(self._owner), {"v": int(time()) + _LASTS_S})
        held = self._held()
        if held is None or held["of"] != self._owner:
            raise StoreUnavailableError("this took so long that another collector goes on with it")

    def release(self) -> None:
        """Let others have it."""
        self._bound.delete("records", self._of(self._owner))

    def _held(self) -> dict[str, Any] | None:
        points = list(self._bound.these("records", [self._id]))
        return plain(points[0].payload) if points else None

    def _of(self, owner: str) -> list[Any]:
        return [holds_text("kind", ["lease"]), holds_text("of", [owner]), among([self._id])]


@contextmanager
def leased(bound: Bound, what: str) -> Iterator[Lease | None]:
    """Hold a lease while the block runs; None if another collector holds it."""
    lease = Lease(bound, what)
    if not lease.take():
        yield None
        return
    try:
        yield lease
    finally:
        lease.release()
