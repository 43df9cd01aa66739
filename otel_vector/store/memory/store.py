"""The reference implementation of the store's contract.

It evaluates every filter on every item and every cosine on every vector. Other backends are
held to its answers: exactly for everything that counts, lists or orders items, and for dense
ranks; for BM25 only in which meanings are hits, since term weights differ by tokenizer.
"""

from __future__ import annotations

from threading import RLock

from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import Capabilities, StoreSize
from otel_vector.store.memory.meanings import MemoryMeanings
from otel_vector.store.memory.records import MemoryRecords
from otel_vector.store.memory.spans import MemorySpans
from otel_vector.store.memory.upkeep import MemoryUpkeep

__all__ = ["MemoryStore", "MemoryTenant"]


class MemoryTenant:
    """One tenant's part of a memory store."""

    def __init__(self, dimension: int) -> None:
        lock = RLock()
        self._meanings = MemoryMeanings(dimension, lock)
        self._spans = MemorySpans(self._meanings, lock)
        self._records = MemoryRecords(self._meanings, lock, self._spans.collect)
        self._spans.holders.append(self._records.meanings)
        self._upkeep = MemoryUpkeep(self._spans)

    @property
    def writer(self) -> MemorySpans:
        """Takes spans and logs."""
        return self._spans

    @property
    def reader(self) -> MemorySpans:
        """Reads spans and logs."""
        return self._spans

    @property
    def meanings(self) -> MemoryMeanings:
        """The tenant's meanings."""
        return self._meanings

    @property
    def records(self) -> MemoryRecords:
        """The tenant's versioned records."""
        return self._records

    @property
    def upkeep(self) -> MemoryUpkeep:
        """What keeps the tenant's data in shape."""
        return self._upkeep

    def size(self) -> StoreSize:
        """Return what is stored; each item is a block of its own, and nothing is on disk."""
        spans, logs = (self._spans.total(signal) for signal in (Signal.SPANS, Signal.LOGS))
        return StoreSize(
            spans=spans,
            logs=logs,
            blocks=spans + logs,
            shards=0,
            disk_bytes=0,
            tombstones=len(self._spans.tombstones()),
        )

    def written(self) -> bool:
        """Return whether anything was ever written."""
        size = self.size()
        return bool(size.spans or size.logs or size.tombstones or self._meanings.counts().total)


class MemoryStore:
    """A whole store in memory; gone when the process is."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._lock = RLock()
        self._tenants: dict[Tenant, MemoryTenant] = {}

    @property
    def capabilities(self) -> Capabilities:
        """Nothing survives a restart, nothing is shared."""
        return Capabilities()

    def tenant(self, tenant: Tenant) -> MemoryTenant:
        """Return a tenant's part."""
        with self._lock:
            return self._tenants.setdefault(tenant, MemoryTenant(self._dimension))

    def tenants(self) -> list[Tenant]:
        """Return the tenants that have written something, in order of name."""
        with self._lock:
            return sorted(name for name, part in self._tenants.items() if part.written())

    def checkpoint(self) -> None:
        """Do nothing: memory is as durable as it gets."""

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._tenants.clear()
