"""Meanings that nothing points at any more: found, and taken off the shelf.

Where a meaning can be pointed at is known from its first and last start in each stream: only
shards that overlap them are asked. Besides items, joins that wait and others who say so hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

import qdrant_edge as engine

from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Signal
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.points import EVERY, ends
from otel_vector.store.edge.render import render
from otel_vector.store.reading.conditions import equals_any
from otel_vector.store.reading.streams import LIVE, LOGS, OTHER
from otel_vector.store.retired import MASKED

__all__ = ["Collector", "Ends", "Holder"]

_CHUNK: Final = 1_000
_STREAMS: Final = (LIVE, OTHER, LOGS)

Holder = Callable[[Collection[MeaningId]], Collection[MeaningId]]
"""Returns those of some meanings that something besides items points at."""

Ends = tuple[int, int]
"""First and last."""


class Collector:
    """Collects the meanings of one tenant. Its writing lock is held."""

    def __init__(self, data: TenantData) -> None:
        """Collect within a tenant's folder."""
        self._data = data
        self.holders: list[Holder] = []

    def collect(self, suspects: Mapping[MeaningId, bool]) -> list[MeaningId]:
        """Remove those of some meanings that nothing points at; return them.

        Args:
            suspects: meanings, and whether they go only if they hold content.
        """
        lonely = self._unpointed(suspects)
        known = self._data.meanings.get(lonely)
        gone = [i for i, m in known.items() if not (suspects[i] and m.facet in MASKED)]
        if gone:
            self._data.ledger.soil()
            self._data.meanings.remove(gone)
        return gone

    def release(self, meanings: Collection[MeaningId]) -> None:
        """Remove those of some meanings that nothing points at."""
        self.collect(dict.fromkeys(meanings, False))

    def _unpointed(self, meanings: Collection[MeaningId]) -> set[MeaningId]:
        left = set(meanings)
        left -= {m for e in self._data.waiting.values() for w in e for m in w.meanings}
        left.difference_update(*self._data.late.seen.values())
        for holder in self.holders:
            left -= set(holder(left))
        for row in reversed(self._data.shards_of(_STREAMS)):
            asked = [meaning for meaning in left if self._may_hold(row, meaning)]
            for start in range(0, len(asked), _CHUNK):
                left -= self._pointed(row, asked[start : start + _CHUNK])
        return left

    def _may_hold(self, row: ShardRow, meaning: int) -> bool:
        if not row.points or row.min_us is None or row.max_us is None:
            return False
        seen = self._data.seen.get(row.stream, {}).get(meaning)
        if seen is None:
            return True
        return seen[0] // 1000 <= row.max_us and seen[1] // 1000 >= row.min_us

    def _pointed(self, row: ShardRow, meanings: Collection[MeaningId]) -> set[MeaningId]:
        """Return those of some meanings that an item of a shard points at."""
        summary = self._data.pool.summary(row)
        if summary is not None:
            return summary.holding(meanings)
        held = engine.Filter(must=[render(equals_any("m", meanings))])
        self._data.gate.step_aside()
        with self._data.pool.lease(row) as shard:
            hits = shard.engine.facet(engine.FacetRequest("m", EVERY, False, held))
        return {MeaningId(int(hit.value)) for hit in hits if hit.count}

    def ends_of(self, stream: str, meaning: int) -> Ends | None:
        """Return the first and last start of a stream's items pointing at a meaning, in ns."""
        starts = list(self._starts(stream, meaning))
        return (min(starts), max(starts)) if starts else None

    def _starts(self, stream: str, meaning: int) -> Iterator[int]:
        under = engine.Filter(must=[render(equals_any("m", [meaning]))])
        signal = Signal.LOGS if stream == LOGS else Signal.SPANS
        for row in self._data.shards_of([stream]):
            if not self._may_hold(row, meaning):
                continue
            with self._data.pool.lease(row) as shard:
                records = ends(shard.engine, under)
            for record in records:
                item = self._data.item_at(row.folder, record.payload["p"], signal)
                if item is not None:
                    yield item.start_ns

    def narrow(
        self, suspects: Collection[MeaningId], gone: Mapping[str, Mapping[int, Ends]] | None
    ) -> dict[str, dict[int, Ends | None]]:
        """Bring first and last starts up to date; return what changed, None for no item.

        Args:
            suspects: meanings that lost items.
            gone: first and last start (microseconds) of the items that are gone, by stream and
                meaning; None if that is not known.
        """
        changed: dict[str, dict[int, Ends | None]] = {}
        for stream in _STREAMS:
            table = self._data.seen.get(stream, {})
            touched = suspects if gone is None else gone.get(stream, {})
            for meaning in touched:
                known = table.get(meaning)
                if known is None or (gone and _is_within(gone[stream][meaning], known)):
                    continue
                changed.setdefault(stream, {})[meaning] = self.ends_of(stream, meaning)
        self._apply(changed)
        return changed

    def _apply(self, changed: Mapping[str, Mapping[int, Ends | None]]) -> None:
        for stream, table in changed.items():
            seen = self._data.seen[stream]
            for meaning, found in table.items():
                if found is None:
                    seen.pop(meaning, None)
                else:
                    seen[meaning] = found


def _is_within(gone: Ends, known: Ends) -> bool:
    """Whether what is gone (microseconds) lies strictly within what is known (nanoseconds)."""
    return known[0] // 1000 < gone[0] and gone[1] < known[1] // 1000
