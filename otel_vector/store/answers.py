"""What a store answers: values of its contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from otel_vector.spans.ids import SpanId
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Meaning

__all__ = ["Cursor", "Hit", "MeaningCounts", "Page", "StoreSize", "Tally", "Written"]


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: ids that were new, and how many items were there already."""

    new: tuple[SpanId, ...]
    duplicates: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last item of a page: its start in nanoseconds and its id."""

    start_ns: int
    id: SpanId


@dataclass(frozen=True, slots=True)
class Page:
    """Items, newest first, and the cursor of the next page (None at the end)."""

    items: tuple[Item, ...]
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class Tally:
    """What is known of the items that point at one meaning, under some restriction.

    Attributes:
        count: items.
        errors: items whose status is error.
        histogram: duration bucket → items; its sum is the count.
        first_ns: earliest start, nanoseconds; 0 when the count is 0.
        last_ns: latest start.
    """

    count: int = 0
    errors: int = 0
    histogram: Mapping[int, int] = field(default_factory=dict)
    first_ns: int = 0
    last_ns: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """A meaning that is near, and why.

    Attributes:
        score: fused score, higher is nearer; comparable within one answer only.
        cosine: cosine of the dense vectors; None if it was not among the dense hits. Cosines of
            facets with different models are not comparable.
        model: the model whose vectors were compared; empty if it was not among the dense hits.
        dense_rank, bm25_rank: position in each ranking from 0, None if not in it; the dense one
            among the meanings that the same model ranks.
    """

    meaning: Meaning
    score: float
    cosine: float | None
    dense_rank: int | None
    bm25_rank: int | None
    model: str = ""


@dataclass(frozen=True, slots=True)
class MeaningCounts:
    """How many meanings there are, and how many of them have no vector yet."""

    total: int
    pending: int


@dataclass(frozen=True, slots=True)
class StoreSize:
    """What a tenant's store holds: items of all runs, blocks, shards, bytes on disk.

    Attributes:
        sealed: how many of the shards are immutable and mapped rather than in memory.
        tombstones: deleted items that are remembered so that no resend brings them back.
    """

    spans: int
    logs: int
    blocks: int
    shards: int
    disk_bytes: int
    sealed: int = 0
    tombstones: int = 0
