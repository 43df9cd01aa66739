"""The store: blocks of OTLP, thin points over them, and the meanings they point at.

Promises, checked by `otel_vector.testing.store` on every backend:

* *Bound to a tenant.* Every read and write goes through a `TenantStore`; nothing another
  tenant wrote is visible through it, not even in counts.
* *Idempotent.* Ids are hashes of content. Writing the same item again, in whatever batch,
  changes nothing; two different items are both kept even if they share a span id.
* *Lossless.* An item is read back protobuf-equal, unknown fields included.
* *Visible at once.* What `write` returned is countable and findable by id, trace, filter and
  exact text. A meaning without a vector is found by BM25 and filter, and is *pending*.
* *Durable after checkpoint.* `write` alone survives kill -9 only together with a redelivery
  of the same batch under the same digest; after `checkpoint` it survives power loss.
* *Newest first* means ordered by (start, id), both descending, the start to the nanosecond. A
  cursor is the last item's pair: pages are stable under writes, nothing is skipped or repeated.
* *Never approximate.* A question a backend cannot answer raises `UnsupportedError`.
* *Operations.* Every span points at exactly one `operation` meaning, which carries the span's
  service, kind and (ids masked) name; filters on these three may be answered through it.
* *Never wiped.* An error leaves what is stored as it was.

Threads: any number read and write; writes to one tenant are done one after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from otel_vector.progress import Progress
from otel_vector.spans.batch import Batch, Join
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import MeaningId, SpanId, Tenant
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Facet, Meaning, Signal
from otel_vector.store.answers import (
    Cursor,
    Hit,
    MeaningCounts,
    Page,
    StoreSize,
    Tally,
    Written,
)
from otel_vector.store.models import Model, Models
from otel_vector.store.records import RecordStore
from otel_vector.store.upkeep import Upkeep

__all__ = [
    "Capabilities",
    "Cursor",
    "Fusion",
    "Hit",
    "MeaningCounts",
    "MeaningStore",
    "Nearest",
    "Page",
    "SpanReader",
    "SpanWriter",
    "Store",
    "StoreSize",
    "Tally",
    "TenantStore",
    "Written",
]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend is able to do; the defaults are the least able store.

    Attributes:
        durable: what is checkpointed is there after a restart.
        shared: several processes may write to it at once.
        snapshots: it can copy itself into a folder (`Store.snapshot`).
    """

    durable: bool = False
    shared: bool = False
    snapshots: bool = False


@dataclass(frozen=True, slots=True)
class Fusion:
    """How dense and BM25 ranks become one score: weighted reciprocal rank fusion.

    score = Σ 1 / ((rank + 1) / weight + k - 1), rank from 0 (the engine's own form: a weight of
    two makes ranks count half). A BM25 hit counts only if it matches at least
    `min_words` of the question's content words, or two ranks of filler would outweigh meaning.
    """

    k: int = 2
    dense_weight: float = 2.0
    bm25_weight: float = 1.0
    min_words: float = 2 / 3

    def share(self, rank: int, weight: float) -> float:
        """Return what one ranking adds to the score of its hit at a rank (from 0)."""
        return 1.0 / ((rank + 1) / weight + self.k - 1)


@dataclass(frozen=True, slots=True)
class Nearest:
    """A question to the meanings; at least one of vector and text is given.

    Attributes:
        vector: the question's dense vector by the store's default model.
        vectors: the question's vectors by models of single facets, by name of the model. Meanings
            of a facet whose model has no vector here are found by words only.
        text: the question's words, for BM25.
        facets: only these; empty for all.
        within: only these ids; None for all.
        limit: hits at most.
        fusion: how the two rankings become one.
    """

    vector: Sequence[float] | None
    text: str | None
    facets: tuple[Facet, ...] = ()
    within: Collection[MeaningId] | None = None
    limit: int = 50
    fusion: Fusion = field(default_factory=Fusion)
    vectors: Mapping[str, Sequence[float]] = field(default_factory=dict)


class SpanWriter(Protocol):
    """Takes spans and log records."""

    def write(self, batch: Batch, digest: bytes) -> Written:
        """Store meanings (pending), then blocks, then points; return what was new.

        All of `batch.texts` become meanings. `batch.joins` are not looked at: pass them to `join`.

        Args:
            batch: rows to store; duplicates within it are stored once.
            digest: identity of the delivery, at most 32 bytes. The same batch written again
                under the same digest after a crash completes the first write.

        Raises:
            StorageFullError: the disk is full; the delivery may be written again later.
        """
        ...

    def join(self, joins: Sequence[Join], texts: Mapping[MeaningId, Meaning]) -> None:
        """Add meanings and keys to spans that are stored; remember the other joins.

        A join reaches every stored span of its trace and span id, of whatever run. Repeating a
        join changes nothing. A join whose span is not stored is remembered
        durably until a write brings the span, which then includes it.
        """
        ...

    def delete(self, signal: Signal, ids: Collection[SpanId]) -> int:
        """Forget items for good; return how many of them were stored.

        Tombstones come first, and durably; then points, the items' bytes in their blocks, and
        the meanings that nothing points at any more. An id that is not stored gets a tombstone
        as well. Repeating changes nothing, and completes what a crash left unfinished.
        """
        ...


class SpanReader(Protocol):
    """Reads spans and log records."""

    def find(self, signal: Signal, where: Where, limit: int, after: Cursor | None = None) -> Page:
        """Return items under a filter, newest first, exactly."""
        ...

    def trace(self, trace_id: bytes) -> list[Item]:
        """Return all spans of a trace, of all runs, by start. Empty for an unknown trace."""
        ...

    def logs(self, trace_id: bytes) -> list[Item]:
        """Return all log records of a trace, by time."""
        ...

    def items(self, signal: Signal, ids: Sequence[SpanId]) -> list[Item]:
        """Return the items with these ids, in this order, with meanings; unknown ones absent."""
        ...

    def tally(
        self, signal: Signal, where: Where, meanings: Collection[MeaningId]
    ) -> dict[MeaningId, Tally]:
        """Return, for each meaning, what is known of the items pointing at it; exact.

        Every meaning asked for is in the answer, with an empty tally if nothing points at it.
        """
        ...

    def candidates(self, signal: Signal, where: Where) -> dict[MeaningId, int]:
        """Return every meaning that an item under the filter points at, and how many do.

        An item counts once for each meaning, its own and joined ones alike.
        """
        ...


class MeaningStore(Protocol):
    """Holds the meanings, their vectors and their BM25 terms.

    Where a model is named, it is one that answers or is coming (see `Store.models`), and only
    meanings of its facets are meant; the empty name stands for the default model.
    """

    def get(self, ids: Collection[MeaningId]) -> dict[MeaningId, Meaning]:
        """Return the meanings that exist among these ids."""
        ...

    def operations(self) -> Sequence[Meaning]:
        """Return all `operation` meanings."""
        ...

    def pending(self, limit: int, model: str = "") -> list[Meaning]:
        """Return meanings without a vector of a model, newest first; none for an unknown one."""
        ...

    def fill(self, vectors: Mapping[MeaningId, Sequence[float]], model: str = "") -> None:
        """Give meanings their vectors of a model.

        Filling again replaces. Unknown ids are ignored, and so is a model that neither answers
        nor is coming: its place was taken meanwhile.
        """
        ...

    def nearest(self, question: Nearest) -> list[Hit]:
        """Return the nearest meanings, best first.

        Each model ranks the meanings of its facets; ranks, not cosines, are fused.
        """
        ...

    def vectors(self, ids: Collection[MeaningId]) -> dict[MeaningId, list[float]]:
        """Return the vectors of those among these ids that have one, of the facet's own model."""
        ...

    def counts(self, model: str | None = None) -> MeaningCounts:
        """Return how many there are, and how many lack the vector their facet's model gives.

        Args:
            model: only the meanings that are to have vectors of this model, and these vectors.
        """
        ...


class TenantStore(Protocol):
    """One tenant's part of the store; the only way to its data."""

    @property
    def writer(self) -> SpanWriter:
        """Takes spans and logs."""
        ...

    @property
    def reader(self) -> SpanReader:
        """Reads spans and logs."""
        ...

    @property
    def meanings(self) -> MeaningStore:
        """The tenant's meanings."""
        ...

    @property
    def records(self) -> RecordStore:
        """The tenant's versioned records."""
        ...

    @property
    def upkeep(self) -> Upkeep:
        """What keeps the tenant's data in shape."""
        ...

    def size(self) -> StoreSize:
        """Return what is stored."""
        ...


class Store(Protocol):
    """A whole store: all tenants, and the embedding models they share."""

    @property
    def capabilities(self) -> Capabilities:
        """What this backend is able to do."""
        ...

    @property
    def models(self) -> Models:
        """The models whose vectors it holds; `default` is None where it answers by none."""
        ...

    @property
    def recipe(self) -> int:
        """Version of the recipe by which everything in it is described; 0 if nobody said so."""
        ...

    def described(self, recipe: int) -> None:
        """Remember durably that everything in it is described by a version of the recipe."""
        ...

    def prepare(self, model: Model, facet: Facet | None = None) -> None:
        """Make room for the vectors of a model that is to take another's place; durable.

        From now on the meanings it is for are pending under it, those that come later, too;
        what answers stays as it is. The same call again changes nothing, another one takes the
        place of the model that was coming. A model that answers already is not coming.

        Args:
            model: the model to come.
            facet: the facet it is for; None for all that have no model of their own.

        Raises:
            UnsupportedError: the store was opened without a model.
        """
        ...

    def switch(self) -> None:
        """Answer by the coming model from now on; durable. Without one nothing changes.

        The vectors of a model that answers for nothing any more are removed, from files too.
        """
        ...

    def tenant(self, tenant: Tenant) -> TenantStore:
        """Return a tenant's part; it comes into being with its first write."""
        ...

    def tenants(self) -> list[Tenant]:
        """Return the tenants that have written something."""
        ...

    def checkpoint(self) -> None:
        """Make every finished write survive power loss. Called by the writing thread."""
        ...

    def snapshot(self, folder: Path, progress: Progress) -> None:
        """Copy everything into an empty folder, each tenant's part as it is at one moment.

        Questions are answered meanwhile, writes wait. A store opened on the copy answers as
        this one did.

        Raises:
            UnsupportedError: the backend cannot, by its capabilities; the message says what can.
            StorageFullError: the disk is full; the copy is worth nothing.
        """
        ...

    def close(self) -> None:
        """Checkpoint and release everything."""
        ...
