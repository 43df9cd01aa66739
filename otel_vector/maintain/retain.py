"""Retention: decides what is too old or too much, and has the store drop it.

By age: what started longer ago than `retention.max_age_s`. Limits are rounded down, so that a
partition is cut some times rather than all the time. By size: while all tenants together take
more than `retention.max_bytes`, the oldest partition of all goes; the newest of each tenant
never does.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import time_ns
from typing import Final

from otel_vector.progress import Progress, unreported
from otel_vector.settings.config import RetentionConfig
from otel_vector.spans.ids import Tenant
from otel_vector.store.contract import Store
from otel_vector.store.upkeep import Partition

__all__ = ["Drop", "Retention", "plan"]

_log = logging.getLogger(__name__)

_S: Final = 1_000_000_000
_COARSEST_NS: Final = 3600 * _S
_STEPS: Final = 20
"""Cuts of what is as long as the whole age, at most."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A partition that is to go.

    Attributes:
        tenant: whose it is.
        partition: the partition.
        before_ns: only what started before; None for all of it.
        reason: `age` or `size`.
    """

    tenant: Tenant
    partition: Partition
    before_ns: int | None
    reason: str


def plan(store: Store, config: RetentionConfig, now_ns: int) -> list[Drop]:
    """Return what is to be dropped now, the oldest first; nothing is changed."""
    held = [
        (tenant, partition)
        for tenant in store.tenants()
        for partition in store.tenant(tenant).upkeep.partitions()
    ]
    aged = list(_by_age(held, config, now_ns))
    whole = {(d.tenant, d.partition.name) for d in aged if d.before_ns is None}
    rest = [(t, p) for t, p in held if (t, p.name) not in whole]
    freed = sum(d.partition.disk_bytes for d in aged if d.before_ns is None)
    return [*aged, *_by_size(store, rest, config, freed)]


def _by_age(
    held: list[tuple[Tenant, Partition]], config: RetentionConfig, now_ns: int
) -> Iterator[Drop]:
    if not config.max_age_s:
        return
    age_ns = int(config.max_age_s * _S)
    step_ns = max(1, min(_COARSEST_NS, age_ns // _STEPS))
    limit_ns = (now_ns - age_ns) // step_ns * step_ns
    for tenant, partition in sorted(held, key=lambda pair: pair[1].last_ns):
        if partition.last_ns < limit_ns // 1000 * 1000:
            yield Drop(tenant, partition, None, "age")
        elif partition.first_ns < limit_ns // 1000 * 1000:
            yield Drop(tenant, partition, limit_ns, "age")


def _by_size(
    store: Store, held: list[tuple[Tenant, Partition]], config: RetentionConfig, freed: int
) -> Iterator[Drop]:
    if not config.max_bytes:
        return
    total = sum(store.tenant(tenant).size().disk_bytes for tenant in store.tenants()) - freed
    newest = {tenant: p.name for tenant, p in sorted(held, key=lambda pair: pair[1].last_ns)}
    for tenant, partition in sorted(held, key=lambda pair: pair[1].last_ns):
        if total <= config.max_bytes:
            return
        if newest[tenant] != partition.name:
            total -= partition.disk_bytes
            yield Drop(tenant, partition, None, "size")
    if total > config.max_bytes:
        _log.warning(
            "the store takes %d bytes, more than retention.max_bytes, in the newest partitions"
            " and in meanings, which stay; raise it, or set retention.max_age_s",
            total,
        )


class Retention:
    """Drops what is to be dropped, and counts it. One thread at a time drops."""

    def __init__(
        self,
        store: Store,
        config: RetentionConfig,
        clock_ns: Callable[[], int] = time_ns,
        told: Callable[[Drop, int], object] | None = None,
    ) -> None:
        """Look after a store.

        Args:
            store: what is stored.
            config: what is kept.
            clock_ns: returns the time.
            told: takes each drop that took items, and how many, as for an audit log.
        """
        self._told = told
        self._store = store
        self._config = config
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self.dropped = Counter[Tenant]()
        """Items dropped so far, by tenant."""

    @property
    def is_on(self) -> bool:
        """Whether anything is ever dropped."""
        return bool(self._config.max_age_s or self._config.max_bytes)

    def oldest_ns(self) -> int | None:
        """Return the start from which on items are taken in; None for any."""
        age_s = self._config.max_age_s
        return self._clock_ns() - int(age_s * _S) if age_s else None

    def planned(self) -> list[Drop]:
        """Return what would be dropped now; nothing is changed."""
        return plan(self._store, self._config, self._clock_ns())

    def run(self, progress: Progress = unreported) -> int:
        """Drop what is to be dropped now; return how many items that were.

        Raises:
            JobCancelledError: it was told to end; what is dropped so far is dropped.
        """
        with self._lock:
            drops, dropped = self.planned(), 0
            for done, drop in enumerate(drops):
                progress(done, len(drops), drop.partition.name)
                items = self._drop(drop)
                dropped += items
                self.dropped[drop.tenant] += items
            progress(len(drops), len(drops))
        return dropped

    def _drop(self, drop: Drop) -> int:
        upkeep = self._store.tenant(drop.tenant).upkeep
        items = upkeep.drop(drop.partition.name, drop.before_ns)
        if items:
            _log.info(
                "dropped %d items of partition %s of tenant %s, by %s",
                items, drop.partition.name, drop.tenant, drop.reason,
            )  # fmt: skip
            if self._told is not None:
                self._told(drop, items)
        return items
