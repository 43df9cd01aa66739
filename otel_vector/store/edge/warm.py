"""Opening what is sealed before a question does.

Loading a shard takes a tenth of a second, in which nothing else runs: a first question with a
condition would wait for all of them, one after the other.
"""

from __future__ import annotations

from time import monotonic, sleep
from typing import Final

from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.manifest import ShardRow

__all__ = ["Warmer"]

_PAUSE_S: Final = 0.2
"""Between two shards, for questions and writes to get on."""
_AT_ONCE_S: Final = 1.5


class Warmer:
    """Opens the sealed shards of one tenant, the latest first, while none is closed for it."""

    def __init__(self, data: TenantData) -> None:
        """Open within a tenant's folder, what is sealed now: shards sealed later are open."""
        self._data = data
        self._left: list[ShardRow] | None = None

    def warm(self) -> None:
        """Open some of those that are left, within a second or two."""
        if self._left is None:
            self._left = [row for row in self._data.shards if row.sealed]
        if self._data.pool.is_full:
            self._left = []
        until = monotonic() + _AT_ONCE_S
        while self._left and not self._data.pool.is_full and monotonic() < until:
            with self._data.gate.reading(), self._data.pool.lease(self._left.pop()):
                pass
            sleep(_PAUSE_S)
