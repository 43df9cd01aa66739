"""How much there is, what waits, and what was refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from otel_vector.embed.contract import Embedder
from otel_vector.spans.ids import Tenant
from otel_vector.store.contract import MeaningCounts, Store, StoreSize

__all__ = ["Observed", "Retained", "Stats", "StatsAnswer", "Waiting"]


class Waiting(Protocol):
    """What waits before the store; services see no inbox, only these numbers."""

    @property
    def pending(self) -> int:
        """Requests that wait."""
        ...

    @property
    def bytes(self) -> int:
        """Their bytes."""
        ...

    @property
    def oldest_s(self) -> float:
        """Age of the oldest, in seconds."""
        ...

    @property
    def dead(self) -> int:
        """Dead letters."""
        ...


@dataclass(frozen=True, slots=True)
class Retained:
    """What retention keeps of one tenant.

    Attributes:
        max_age_s: seconds for which items are kept; 0 for ever.
        max_bytes: bytes on disk that are kept, of all tenants together; 0 for any.
        due: names of the partitions that would be dropped, or cut, now.
        dropped_items: items dropped since the process started.
    """

    max_age_s: float
    max_bytes: int
    due: tuple[str, ...]
    dropped_items: int


@dataclass(frozen=True, slots=True)
class Observed:
    """Numbers that others keep.

    Attributes:
        waiting: what waits before the store; None when there is no inbox (a folder opened for
            reading).
        rejected: items refused or left out so far, by reason.
        retained: what retention does for a tenant; None while it is off.
    """

    waiting: Callable[[], Waiting] | None = None
    rejected: Callable[[], Mapping[str, int]] = field(default=dict)
    retained: Callable[[Tenant], Retained | None] = field(default=lambda _: None)


@dataclass(frozen=True, slots=True)
class StatsAnswer:
    """The numbers of one tenant; `waiting` and `rejected` are those of the whole process."""

    size: StoreSize
    meanings: MeaningCounts
    waiting: Waiting | None
    rejected: Mapping[str, int]
    model: str
    dimension: int
    retained: Retained | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts."""

    store: Store
    embedder: Embedder | None
    observed: Observed

    def answer(self, tenant: Tenant) -> StatsAnswer:
        """Return the numbers as they are now."""
        store = self.store.tenant(tenant)
        counts = store.meanings.counts()
        waiting = self.observed.waiting() if self.observed.waiting else None
        return StatsAnswer(
            size=store.size(),
            meanings=counts if self.embedder else MeaningCounts(counts.total, 0),
            waiting=waiting,
            rejected=dict(self.observed.rejected()),
            model=self.embedder.model if self.embedder else "none",
            dimension=self.embedder.dimension if self.embedder else 0,
            retained=self.observed.retained(tenant),
        )
