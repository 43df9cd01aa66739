"""What services answer: typed values that hold stored items, shaped for the wire elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from otel_vector.spans.ids import MeaningId
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.contract import Tally
from otel_vector.store.records import Record

__all__ = ["Found", "GroupedAnswer", "ListedAnswer", "MeaningGroup", "RecordHit", "Why"]


@dataclass(frozen=True, slots=True)
class Why:
    """The reasons of a score.

    Attributes:
        facet: the facet of the meaning that was found.
        dense_rank, bm25_rank: position in each ranking from 0, None if not in it.
        cosine: nearness of the vectors, None if it was not among the dense hits.
        exact: whether the question occurs in the text as it stands.
        like: for an answer to "similar": the meaning it is similar to.
    """

    facet: Facet
    dense_rank: int | None = None
    bm25_rank: int | None = None
    cosine: float | None = None
    exact: bool = False
    like: MeaningId | None = None


@dataclass(frozen=True, slots=True)
class MeaningGroup:
    """One meaning and the items that point at it.

    Attributes:
        score: higher is better; None in a listing without words.
        spans: what is known of the spans; all zero when spans were not asked for.
        logs: the same of log records; None when they were not asked for.
        services: exact names of the services these items belong to, sorted.
        examples: the newest items.
    """

    score: float | None
    why: Why
    meaning: Meaning
    spans: Tally
    logs: Tally | None
    services: tuple[str, ...]
    examples: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """One item of an ungrouped answer; score and why are None in a listing without words."""

    item: Item
    score: float | None = None
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class RecordHit:
    """A record that answers, and the text it was found by.

    Attributes:
        record: its active version.
        meaning: the text; in a listing without words its first one, None if it has none.
        score: higher is better; None in a listing, as is why.
    """

    record: Record
    meaning: Meaning | None
    score: float | None = None
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class GroupedAnswer:
    """An answer by meaning.

    Attributes:
        search_id: 16 hex digits, new with every answer.
        groups: best first.
        next: cursor of the next page, None at the end.
        pending: meanings that have no vector yet and so were found by words only.
        took_ms: milliseconds spent on it.
        searched: the kinds of things it covers.
        records: records that answer; None when they were not asked for.
    """

    search_id: str
    groups: tuple[MeaningGroup, ...]
    next: str | None
    pending: int
    took_ms: float
    searched: tuple[str, ...] = ()
    records: tuple[RecordHit, ...] | None = None


@dataclass(frozen=True, slots=True)
class ListedAnswer:
    """An answer item by item; the fields are those of :class:`GroupedAnswer`."""

    search_id: str
    items: tuple[Found, ...]
    next: str | None
    pending: int
    took_ms: float
    searched: tuple[str, ...] = ()
    records: tuple[RecordHit, ...] | None = None
