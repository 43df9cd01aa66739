"""The one place that changes the store: writes, vectors and checkpoints, one at a time.

The worker's thread and the embedding thread both write; the store allows one writer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from otel_vector.events.contract import Events
from otel_vector.ingest.functions import Functions, keep
from otel_vector.ingest.stages import Stages
from otel_vector.spans.batch import Batch, digest_of
from otel_vector.spans.ids import MeaningId, Tenant
from otel_vector.store.contract import Store

__all__ = ["Sink"]


class Sink:
    """Takes described batches and vectors into the store, and announces what was new."""

    def __init__(
        self,
        store: Store,
        events: Events,
        stages: Stages,
        kept: Callable[[Batch], Batch] | None = None,
    ) -> None:
        """Write into a store.

        Args:
            store: what is written into.
            events: where writes are announced.
            stages: where time is counted.
            kept: returns a batch without what is not to be stored; None to store all.
        """
        self._store = store
        self._kept = kept
        self._events = events
        self._stages = stages
        self._writing = threading.Lock()
        self._dirty = False
        self.arrived = threading.Event()
        """Set when texts came in that may be new."""

    @property
    def dirty(self) -> bool:
        """Whether anything was changed since the last checkpoint began."""
        return self._dirty

    def write(self, tenant: Tenant, batch: Batch) -> None:
        """Store a batch and its joins, then announce what was new.

        Raises:
            StorageFullError: the disk is full; writing the same batch again completes it.
        """
        if self._kept is not None:
            batch = self._kept(batch)
            if not len(batch) and not batch.joins:
                return
        with self._stages.timed("store"), self._writing:
            self._dirty = True
            writer = self._store.tenant(tenant).writer
            written = writer.write(batch, digest_of(tenant, batch))
            if batch.joins:
                writer.join(batch.joins, batch.texts)
        self._stages.stored(batch.signal, len(batch), written.duplicates)
        if written.new:
            self._events.publish(tenant, batch.signal, written.new, len(written.new))
        if batch.texts:
            self.arrived.set()

    def define(self, tenant: Tenant, functions: Functions) -> None:
        """Keep functions as records; they are durable when the call returns.

        Raises:
            StorageFullError: the disk is full; the same call again completes it.
        """
        with self._stages.timed("store"):
            keep(self._store.tenant(tenant).records, functions)
        self._stages.announced.add(len(functions.drafts), "kept")
        self.arrived.set()

    def fill(
        self, tenant: Tenant, vectors: Mapping[MeaningId, Sequence[float]], model: str = ""
    ) -> None:
        """Give meanings their vectors of a model."""
        with self._writing:
            self._dirty = True
            self._store.tenant(tenant).meanings.fill(vectors, model)

    def checkpoint(self) -> None:
        """Make everything written until now survive power loss."""
        started = perf_counter()
        with self._writing:
            self._store.checkpoint()
            self._dirty = False
        self._stages.checkpoints.observe(perf_counter() - started)
