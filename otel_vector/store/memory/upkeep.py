"""Looks after one tenant in memory: what retention drops, and which deletions are remembered."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from otel_vector.progress import Progress
from otel_vector.spans.batch import Batch, Join
from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.spans.meanings import Signal
from otel_vector.store.answers import Tally
from otel_vector.store.memory.spans import MemorySpans
from otel_vector.store.upkeep import Describe, Partition, Sealed, StoredBlock

__all__ = ["MemoryUpkeep"]

_SECOND_NS: Final = 10**9


class MemoryUpkeep:
    """Implements `Upkeep`; a partition is a day."""

    def __init__(self, spans: MemorySpans) -> None:
        """Look after the items of one tenant."""
        self._spans = spans

    def partitions(self) -> list[Partition]:
        """See `Upkeep`."""
        days: dict[str, list[int]] = {}
        for start_ns in self._spans.starts():
            days.setdefault(_day(start_ns), []).append(start_ns // 1000 * 1000)
        found = [Partition(d, min(s), max(s), len(s), 0) for d, s in days.items()]
        return sorted(found, key=lambda partition: partition.last_ns)

    def drop(self, partition: str, before_ns: int | None = None) -> int:
        """See `Upkeep`."""

        def is_dropped(start_ns: int) -> bool:
            early = before_ns is None or start_ns // 1000 < before_ns // 1000
            return early and _day(start_ns) == partition

        return self._spans.retire(is_dropped)

    def retired(self, meanings: Collection[MeaningId]) -> dict[MeaningId, Tally]:
        """See `Upkeep`."""
        return self._spans.retired(meanings)

    def tombstones(self, after: SpanId | None = None, limit: int = 10_000) -> list[SpanId]:
        """See `Upkeep`."""
        ids = sorted(self._spans.tombstones())
        return [i for i in ids if after is None or i > after][:limit]

    def bury(self, ids: Sequence[SpanId]) -> None:
        """See `Upkeep`."""
        self._spans.bury(ids)

    def seal(self, progress: Progress, idle_s: float) -> Sealed:
        """Do nothing: there are no shards."""
        del progress, idle_s
        return Sealed()

    def compact(self) -> None:
        """Do nothing: there are no files."""

    def blocks(self, partition: str, after: str = "") -> Iterator[StoredBlock]:
        """See `Upkeep`; each item is a block of its own."""
        for name, signal, start_ns, message in self._spans.stored():
            if name > after and _day(start_ns) == partition:
                yield StoredBlock(name, signal, message)

    def damaged(self) -> dict[str, str]:
        """Return nothing: memory is whole or gone."""
        return {}

    def rebuild(self, partition: str, describe: Describe, progress: Progress) -> int:
        """See `Upkeep`."""
        batches: list[Batch] = []
        for block in self.blocks(partition):
            progress(len(batches), note=f"describing {partition}")
            batches.append(describe(block.signal, block.message))
        return self._spans.redescribe(batches, lambda: self._joins(describe))

    def _joins(self, describe: Describe) -> list[Join]:
        """Return what every log record adds to spans."""
        logs = [m for _, signal, _, m in self._spans.stored() if signal is Signal.LOGS]
        return [join for message in logs for join in describe(Signal.LOGS, message).joins]


def _day(start_ns: int) -> str:
    return datetime.fromtimestamp(start_ns // _SECOND_NS, UTC).strftime("%Y-%m-%d")
