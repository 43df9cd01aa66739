"""The service map: which service calls which, from the spans themselves.

An edge is a live span whose parent, or the target of one of its links, is a stored live span of
another service. Links with an attribute `otel_vector.…` are of our own making and left out.

Blocks are read once: what the map needs of a span are four numbers, kept by the block's content
for as long as there is room, so that a question over a million spans takes seconds once and then
what reading the blocks takes. Spans are joined to parents and targets by 64-bit keys of trace and
span id. At most `MOST_SPANS` spans are looked at, later partitions first, for at most
`MOST_SECONDS`; the answer says if there were more.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

import numpy as np

from otel_vector.services.servicerows import KeptRows, Keys, Numbers, Rows
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import Store, TenantStore

__all__ = ["MOST_SECONDS", "MOST_SPANS", "Edge", "Map", "ServiceMap"]

MOST_SPANS: Final = 2_000_000
MOST_SECONDS: Final = 20.0

_KEPT_BYTES: Final = 66_000_000
"""What is kept of all tenants' blocks: two million rows."""
_ODD: Final = 0xC2B2AE3D27D4EB4F


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """Calls of one service by another: the caller, the called, and how often."""

    parent: str
    child: str
    calls: int


@dataclass(frozen=True, slots=True)
class Map:
    """The edges in the order of names, and whether all spans of the window were looked at."""

    edges: tuple[Edge, ...]
    whole: bool


@dataclass(slots=True)
class _Turn:
    lock: Lock = field(default_factory=Lock)
    users: int = 0


class _Turns:
    """Lets one in at a time for each tenant; a turn is there while somebody has or awaits it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._turns: dict[Tenant, _Turn] = {}

    @contextmanager
    def of(self, tenant: Tenant) -> Iterator[None]:
        with self._lock:
            turn = self._turns.setdefault(tenant, _Turn())
            turn.users += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._lock:
                turn.users -= 1
                if not turn.users:
                    del self._turns[tenant]


@dataclass
class ServiceMap:
    """Draws the map of a tenant's services: one at a time for each tenant.

    Attributes:
        store: what is stored.
        clock: seconds, for the bound of a reading.
    """

    store: Store
    clock: Callable[[], float] = time.monotonic
    _kept: KeptRows = field(default_factory=lambda: KeptRows(_KEPT_BYTES))
    _turns: _Turns = field(default_factory=_Turns)

    def edges(self, tenant: Tenant, since_ns: int, until_ns: int) -> Map:
        """Return the edges whose called span started within a window.

        Args:
            tenant: whose.
            since_ns: earliest start of the called span, nanoseconds.
            until_ns: latest start, inclusive.
        """
        with self._turns.of(tenant):
            parts, whole = self._parts(tenant, since_ns, until_ns)
            names, services = _numbered(parts)
            counts = _counted(parts, services, since_ns // 1000, until_ns // 1000)
        edges = [
            Edge(names[a], names[b], n) for (a, b), n in counts.items() if names[a] and names[b]
        ]
        return Map(tuple(sorted(edges)), whole)

    def _parts(self, tenant: Tenant, since_ns: int, until_ns: int) -> tuple[list[Rows], bool]:
        """Return the rows of the partitions that a window touches, and whether those are all."""
        ends_at = self.clock() + MOST_SECONDS
        parts: list[Rows] = []
        rows = 0
        for part in self._read(tenant, since_ns, until_ns):
            parts.append(part)
            rows += len(part.keys)
            if rows >= MOST_SPANS or self.clock() > ends_at:
                return parts, False
        return parts, True

    def _read(self, tenant: Tenant, since_ns: int, until_ns: int) -> Iterator[Rows]:
        store: TenantStore = self.store.tenant(tenant)
        for partition in reversed(store.upkeep.partitions()):
            if partition.first_ns <= until_ns and partition.last_ns >= since_ns:
                for block in store.upkeep.blocks(partition.name):
                    if block.signal is Signal.SPANS:
                        yield self._kept.of(tenant, block.message)


def _numbered(parts: list[Rows]) -> tuple[list[str], Numbers]:
    """Return the names of all services, and of each row the number that its service has there."""
    names: dict[str, int] = {}
    numbers = [np.array([], np.int64)]
    for part in parts:
        of_part = [names.setdefault(name, len(names)) for name in part.names]
        numbers.append(np.array(of_part, np.int64)[part.services])
    return list(names), np.concatenate(numbers)


def _counted(
    parts: list[Rows], services: Numbers, since_us: int, until_us: int
) -> Counter[tuple[int, int]]:
    """Return how often each pair of services calls, by their numbers."""
    if not len(services):
        return Counter()
    keys, above = _joined(parts, "keys"), _joined(parts, "above")
    starts = _joined(parts, "starts_us")
    is_span = _joined(parts, "is_span")
    known, places = np.unique(keys[is_span], return_index=True)
    callers = services[is_span][places]
    asked = np.flatnonzero((above != 0) & (starts >= since_us) & (starts <= until_us))
    asked = asked[_first_of_each(keys[asked], above[asked])]
    at = np.searchsorted(known, above[asked]).clip(max=len(known) - 1)
    found = known[at] == above[asked]
    caller, called = callers[at[found]], services[asked[found]]
    width = int(services.max()) + 1
    pairs, calls = np.unique((caller * width + called)[caller != called], return_counts=True)
    counted = zip(pairs.tolist(), calls.tolist(), strict=True)
    return Counter({divmod(pair, width): number for pair, number in counted})


def _joined(parts: list[Rows], name: str) -> Any:
    return np.concatenate([getattr(part, name) for part in parts])


def _first_of_each(keys: Keys, above: Keys) -> Any:
    """Return where each pair stands first: a span that was written twice counts once."""
    mixed = keys * np.uint64(_ODD) ^ above
    return np.unique(mixed, return_index=True)[1]
