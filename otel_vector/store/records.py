"""Versioned records: things that point at meanings and are not spans. Part of the contract.

Function definitions first, documents later. They are outside partitions and retention.

Promises, checked by `otel_vector.testing.store_records` on every backend:

* *Durable.* What a call returned survives power loss; there is nothing to wait for.
* *All or nothing.* A `put` that raises has stored none of its drafts.
* *Versions.* They count from 1. A new one comes only if the body (as JSON, whatever the order
  of its members) or the meanings differ. The latest is the active one. What was deleted is gone
  with all its versions; its key counts from 1 again.
* *Found by its latest texts.* Only active versions point at meanings. A meaning that nothing
  points at any more, be it by a new version or by a deletion, goes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Meaning

__all__ = ["Draft", "Record", "RecordStore"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to be stored.

    Attributes:
        key: its name in the collection, 1 to 512 characters.
        body: a JSON object; kept as it is, never looked into by the store.
        meanings: ids of the texts it is found by.
    """

    key: str
    body: Mapping[str, Any]
    meanings: tuple[MeaningId, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One version of a stored record.

    Attributes:
        collection: `[a-z0-9][a-z0-9_.-]{0,62}`.
        key: its name in the collection.
        version: counts from 1.
        active: whether it is the version in force.
        created_ns: when it was stored, nanoseconds since the epoch.
        body: a JSON object.
        meanings: ids of the texts it is found by.
    """

    collection: str
    key: str
    version: int
    active: bool
    created_ns: int
    body: Mapping[str, Any] = field(default_factory=dict)
    meanings: tuple[MeaningId, ...] = ()


class RecordStore(Protocol):
    """One tenant's records. Writes are durable when the call returns."""

    def put(
        self, collection: str, drafts: Sequence[Draft], texts: Mapping[MeaningId, Meaning]
    ) -> list[Record]:
        """Store drafts, each as the active version of its key; return those versions in order.

        A draft equal to the active version changes nothing and returns that version.

        Args:
            collection: where; comes into being with its first record.
            drafts: records; of several with one key the last one stays active.
            texts: the meanings the drafts point at, added as pending if they are new. An id
                without a text is kept, as that of an older version whose text is gone.

        Raises:
            InvalidInputError: a name, body or meaning that cannot be stored; see `drafts`.
            TooLargeError: a body over 1 MiB, or more than 256 meanings of one draft.
            StorageFullError: the disk is full.
        """
        ...

    def get(self, collection: str, key: str, version: int | None = None) -> Record | None:
        """Return a version of a record, the active one if none is named."""
        ...

    def versions(self, collection: str, key: str) -> list[Record]:
        """Return every version of a record, the latest first."""
        ...

    def page(self, collection: str, limit: int, after: str = "") -> list[Record]:
        """Return active records in the order of keys, after a key."""
        ...

    def pointing_at(
        self,
        meanings: Collection[MeaningId],
        collections: Collection[str] = (),
        limit: int | None = None,
    ) -> dict[MeaningId, list[Record]]:
        """Return the active records that point at each meaning, by collection and key.

        Args:
            meanings: what they point at.
            collections: only of these; of all if none is named.
            limit: for each meaning at most so many, the first ones; None for all.
        """
        ...

    def meanings(self, collections: Collection[str] = ()) -> set[MeaningId]:
        """Return the meanings that active records point at.

        Args:
            collections: only of these; of all if none is named.
        """
        ...

    def delete(self, collection: str, key: str) -> bool:
        """Delete a record with all its versions; return whether there was one."""
        ...

    def collections(self) -> dict[str, int]:
        """Return the collections and how many active records each holds."""
        ...
