"""The reference implementation of the store's contract.

It evaluates every filter on every item and every cosine on every vector. Other backends are
held to its answers: exactly for everything that counts, lists or orders items, and for dense
ranks; for BM25 only in which meanings are hits, since term weights differ by tokenizer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import RLock

from otel_vector.errors import UnsupportedError
from otel_vector.progress import Progress
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.contract import Capabilities, StoreSize
from otel_vector.store.memory.meanings import MemoryMeanings
from otel_vector.store.memory.records import MemoryRecords
from otel_vector.store.memory.spans import MemorySpans
from otel_vector.store.memory.upkeep import MemoryUpkeep
from otel_vector.store.models import Coming, Model, Models

__all__ = ["MemoryStore", "MemoryTenant"]


class MemoryTenant:
    """One tenant's part of a memory store."""

    def __init__(self, models: Callable[[], Models]) -> None:
        lock = RLock()
        self._meanings = MemoryMeanings(models, lock)
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
        meanings, records = self._meanings.counts().total, self._records.collections()
        return bool(size.spans or size.logs or size.tombstones or meanings or records)


class MemoryStore:
    """A whole store in memory; gone when the process is."""

    def __init__(
        self, dimension: int, model: str = "any", facets: Mapping[Facet, Model] | None = None
    ) -> None:
        """Make an empty store.

        Args:
            dimension: length of the vectors of its model; 0 without one.
            model: the model's name.
            facets: models of single facets.
        """
        default = Model(model, dimension) if dimension else None
        self._models = Models(default, dict(facets or {}))
        self._recipe = 0
        self._lock = RLock()
        self._tenants: dict[Tenant, MemoryTenant] = {}

    @property
    def capabilities(self) -> Capabilities:
        """Nothing survives a restart, nothing is shared."""
        return Capabilities()

    @property
    def models(self) -> Models:
        """The models whose vectors it holds."""
        return self._models

    @property
    def recipe(self) -> int:
        """See `Store`."""
        return self._recipe

    def described(self, recipe: int) -> None:
        """See `Store`."""
        self._recipe = recipe

    def prepare(self, model: Model, facet: Facet | None = None) -> None:
        """See `Store`."""
        with self._lock:
            if self._models.default is None:
                raise UnsupportedError("the store has no model; open it with the one that comes")
            coming = Coming(model, facet)
            if self._models.with_coming(coming).switched() == self._models.with_coming(None):
                return
            self._change(self._models.with_coming(coming))

    def switch(self) -> None:
        """See `Store`."""
        with self._lock:
            self._change(self._models.switched())

    def _change(self, models: Models) -> None:
        self._models = models
        for tenant in self._tenants.values():
            tenant.meanings.keep_only(models)

    def tenant(self, tenant: Tenant) -> MemoryTenant:
        """Return a tenant's part."""
        with self._lock:
            return self._tenants.setdefault(tenant, MemoryTenant(lambda: self._models))

    def tenants(self) -> list[Tenant]:
        """Return the tenants that have written something, in order of name."""
        with self._lock:
            return sorted(name for name, part in self._tenants.items() if part.written())

    def snapshot(self, folder: Path, progress: Progress) -> None:  # noqa: ARG002 -- the contract
        """Refuse: what is in memory only has no copy to be restored from."""
        raise UnsupportedError("a store in memory cannot be copied; export it instead")

    def checkpoint(self) -> None:
        """Do nothing: memory is as durable as it gets."""

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._tenants.clear()
