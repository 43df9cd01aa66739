"""What keeps a tenant's store in shape: forgetting, sealing, rebuilding. Part of the contract.

Promises, checked by `otel_vector.testing.store` on every backend:

* *While it is used.* Every call may run while others read and write; readers see what was there
  before or what is there after, never neither.
* *A crash at any moment* leaves each part as it was or as it is to be; the same call again
  completes it.
* *What was deleted stays deleted.* An item with a tombstone is stored by nothing again: not by
  a resend, a rebuild or a restore.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from otel_vector.progress import Progress
from otel_vector.spans.batch import Batch
from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.spans.meanings import Signal
from otel_vector.store.answers import Tally

__all__ = ["Describe", "Partition", "Sealed", "StoredBlock", "Upkeep"]

Describe = Callable[[Signal, bytes], Batch]
"""Describes the items of a serialised TracesData or LogsData anew, one row each, in order."""


@dataclass(frozen=True, slots=True)
class Partition:
    """The items of a span of time, of all signals and runs; what retention drops as a whole.

    Attributes:
        name: its name, unique in the tenant, in the order of time but for one that is `odd`.
        first_ns: earliest start of what it holds, nanoseconds, to the microsecond.
        last_ns: latest start.
        items: spans and log records.
        disk_bytes: what it takes on disk; 0 where the backend cannot tell.
    """

    name: str
    first_ns: int
    last_ns: int
    items: int
    disk_bytes: int


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A block as it is stored.

    Attributes:
        name: its name, unique in the partition; blocks are read in the order of names.
        signal: spans or logs.
        message: serialised TracesData or LogsData; a deleted item is an empty message in it.
    """

    name: str
    signal: Signal
    message: bytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """What sealing did: shards that became immutable, and small blocks that were merged."""

    shards: int = 0
    merged_blocks: int = 0


class Upkeep(Protocol):
    """Looks after one tenant's data. Called by jobs, one at a time."""

    def partitions(self) -> list[Partition]:
        """Return the partitions that hold something, in the order of their latest starts."""
        ...

    def drop(self, partition: str, before_ns: int | None = None) -> int:
        """Drop what a partition holds, for retention; leaves no tombstones.

        A tally per meaning of what was dropped is kept (see `retired`). Meanings of facets that
        hold content, to which nothing points any more, go with it.

        Args:
            partition: its name; an unknown one drops nothing.
            before_ns: only items that started before, to the microsecond; None for all.

        Returns:
            Items dropped.
        """
        ...

    def retired(self, meanings: Collection[MeaningId]) -> dict[MeaningId, Tally]:
        """Return what is known of what retention dropped, for those meanings it has any.

        Counted are live spans and log records, as in the tallies that are asked for by default.
        """
        ...

    def tombstones(self, after: SpanId | None = None, limit: int = 10_000) -> list[SpanId]:
        """Return ids of deleted items in the order of ids, after one of them."""
        ...

    def bury(self, ids: Sequence[SpanId]) -> None:
        """Set tombstones for items that are not stored, as those of another store; durable."""
        ...

    def seal(self, progress: Progress, idle_s: float) -> Sealed:
        """Make full shards immutable, and those of partitions idle for so long; merge blocks.

        A store that looks after this itself does nothing.
        """
        ...

    def compact(self) -> None:
        """Rewrite what still holds bytes of removed meanings, so that no file does."""
        ...

    def blocks(self, partition: str, after: str = "") -> Iterator[StoredBlock]:
        """Yield a partition's blocks in the order of names, after one of them."""
        ...

    def damaged(self) -> dict[str, str]:
        """Return what has to be rebuilt: partition → what is wrong with it, for people.

        Noticed when the store was opened after an unclean stop, or by reading it. The name
        `meanings` stands for the meanings: all partitions have to be described again.
        """
        ...

    def rebuild(self, partition: str, describe: Describe, progress: Progress) -> int:
        """Replace a partition's points by those that its blocks describe; return how many.

        The meanings of the texts are added, too. Questions are answered from the old points
        until the new ones are complete. Joins and deletions that come meanwhile are kept.
        """
        ...
