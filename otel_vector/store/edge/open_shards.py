"""At most so many shards of a store are open, over all its tenants: the latest used ones.

Whoever opens a shard enters it here first, and is the one who can close it. A shard that is in
use, that somebody is about to use, or that cannot be flushed stays open, and the next one is
closed in its place: the bound is passed only by shards that are in use, and on a full disk.

Closing a tenant's shard takes that tenant's lock. Who enters a shard holds its own tenant's, so
nobody waits for another's here: a shard whose tenant is busy is passed over.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from otel_vector.store.edge.shortage import memory_maps

__all__ = ["OpenShards", "Room"]

_MAPS: Final = 70
"""Memory maps of an open shard, at most."""
_SHARE: Final = 0.75
"""Of the memory maps that the system allows are for shards; the rest of the process has some."""
_LEAST: Final = 2


class OpenShards:
    """Counts open shards, and has the least recently used one closed when there are too many."""

    def __init__(self, limit: int) -> None:
        """Let at most `limit` shards be open."""
        self._limit = limit
        self._lock = Lock()
        self._close: OrderedDict[Hashable, Callable[[], None]] = OrderedDict()

    def enter(self, key: Hashable, close: Callable[[], None]) -> None:
        """Make room for a shard that is about to be opened; it counts from now on.

        Args:
            key: names the shard, in the whole store.
            close: closes it if that can be done without waiting, and lets it leave before anybody
                can open it again.
        """
        with self._lock:
            self._close[key] = close
            self._close.move_to_end(key)
            excess = len(self._close) - self._limit
            oldest = list(self._close.values())[:-1] if excess > 0 else []
        for close_other in oldest:
            if len(self) <= self._limit:
                return
            close_other()

    def used(self, key: Hashable) -> None:
        """Note that a shard is used now."""
        with self._lock:
            if key in self._close:
                self._close.move_to_end(key)

    def leave(self, key: Hashable) -> None:
        """Count a shard no longer: it is closed, or could not be opened."""
        with self._lock:
            self._close.pop(key, None)

    @property
    def is_full(self) -> bool:
        """Whether one more would have another one closed."""
        return len(self) >= self._limit

    def __len__(self) -> int:
        """Return how many are open."""
        with self._lock:
            return len(self._close)


@dataclass(frozen=True, slots=True)
class Room:
    """What the tenants of one store share: how many shards may be open.

    Attributes:
        points: the shards of spans and log records.
        meanings: the shards of meanings, one a tenant. They are counted apart, so that a question
            over many days closes none: with many vectors they take longer to open.
    """

    points: OpenShards
    meanings: OpenShards

    @classmethod
    def of(cls, limit: int) -> Room:
        """Return room for as many shards of each kind as are wanted, or as there are maps for."""
        maps = memory_maps()
        most = 2 * limit if maps is None else int(maps.limit * _SHARE / _MAPS)
        points = max(_LEAST, min(limit, most - _LEAST))
        return cls(OpenShards(points), OpenShards(max(_LEAST, min(limit, most - points))))
