"""Looks after one tenant's data on the server; a partition is a day.

Sealing, merging and compaction of files are the server's own business.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from time import time_ns
from typing import Any, Final

from otel_vector.progress import Progress
from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.store.answers import Tally
from otel_vector.store.qdrant.blocks import Blocks
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.dropping import Dropping
from otel_vector.store.qdrant.forgetting import Forgetting
from otel_vector.store.qdrant.meanings import KNOWN_S, QdrantMeanings
from otel_vector.store.qdrant.names import tombs_of
from otel_vector.store.qdrant.points import found_in
from otel_vector.store.qdrant.rebuilding import Rebuilding
from otel_vector.store.qdrant.render import holds_text, render
from otel_vector.store.reading.conditions import equals_any
from otel_vector.store.upkeep import Describe, Partition, Sealed, StoredBlock

__all__ = ["QdrantUpkeep"]

_DAYS: Final = 300_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class QdrantUpkeep:
    """Implements `Upkeep`."""

    def __init__(
        self, bound: Bound, blocks: Blocks, meanings: QdrantMeanings, forgetting: Forgetting,
        dropping: Dropping, rebuilding: Rebuilding,
    ) -> None:  # fmt: skip
        """Look after a tenant."""
        self._bound = bound
        self._blocks = blocks
        self._meanings = meanings
        self._forgetting = forgetting
        self._dropping = dropping
        self._rebuilding = rebuilding

    def partitions(self) -> list[Partition]:
        """See `Upkeep`."""
        days = self._bound.facet("spans", "y", _DAYS)
        calls = [
            self._bound.ordering(
                "spans", "s", 2, newest=newest, must=[_of(day)], fields=("s", "n")
            )
            for day in days
            for newest in (False, True)
        ]
        answers = iter(self._bound.connection.gather(calls))
        found = []
        for day, count in days.items():
            first, last = ([found_in(p) for p in next(answers).result] for _ in range(2))
            if first and last:
                ends = first[0].start_us * 1000, last[0].start_us * 1000
                found.append(Partition(_name(day), *ends, count, 0))
        return sorted(found, key=lambda partition: partition.last_ns)

    def drop(self, partition: str, before_ns: int | None = None) -> int:
        """See `Upkeep`."""
        day = _day(partition)
        return 0 if day is None else self._dropping.drop(day, before_ns)

    def retired(self, meanings: Collection[MeaningId]) -> dict[MeaningId, Tally]:
        """See `Upkeep`."""
        return self._dropping.retired(meanings)

    def tombstones(self, after: SpanId | None = None, limit: int = 10_000) -> list[SpanId]:
        """See `Upkeep`."""
        start = next(iter(tombs_of(self._bound.tenant, [after]))) if after else ""
        points = self._bound.scroll(
            "records", [holds_text("kind", ["tomb"])], fields=("of",), after=start,
            page=min(limit + 1, 2_000),
        )  # fmt: skip
        found: list[SpanId] = []
        for point in points:
            identity = SpanId(point.payload["of"].string_value)
            if identity != after:
                found.append(identity)
            if len(found) == limit:
                break
        return found

    def bury(self, ids: Sequence[SpanId]) -> None:
        """See `Upkeep`."""
        self._forgetting.bury(ids)

    def seal(self, progress: Progress, idle_s: float) -> Sealed:
        """Complete what was broken off; the server's optimizer does the rest by itself."""
        del progress, idle_s
        self._dropping.complete()
        self.compact()
        return Sealed()

    def compact(self) -> None:
        """Remove for good the meanings that have been gone for long enough."""
        before_us = int(time_ns() / 1000 - 2 * KNOWN_S * 1_000_000)
        gone = self._meanings.all_marked(before_us)
        for start in range(0, len(gone), 500):
            part = gone[start : start + 500]
            held = self._forgetting.pointed_at(part)
            if held:
                self._meanings.unmark(held)
            loose = [meaning for meaning in part if meaning not in held]
            if loose:
                self._meanings.remove(loose, before_us)

    def blocks(self, partition: str, after: str = "") -> Iterator[StoredBlock]:
        """See `Upkeep`."""
        day = _day(partition)
        if day is not None:
            for head, block in self._blocks.stored(day, after):
                yield StoredBlock(head.id, head.signal, block.message)

    def damaged(self) -> dict[str, str]:
        """Return nothing: the server looks after its files."""
        return {}

    def rebuild(self, partition: str, describe: Describe, progress: Progress) -> int:
        """See `Upkeep`."""
        day = _day(partition)
        return 0 if day is None else self._rebuilding.rebuild(day, describe, progress)


def _of(day: int) -> Any:
    return render(equals_any("y", [day]))


def _name(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).strftime("%Y-%m-%d")


def _day(name: str) -> int | None:
    try:
        return (datetime.strptime(name, "%Y-%m-%d").replace(tzinfo=UTC) - _EPOCH).days
    except ValueError:
        return None
