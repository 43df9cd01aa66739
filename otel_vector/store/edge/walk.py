"""Points of several shards, newest first: a lazy merge that opens a shard when its turn comes."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from otel_vector.store.edge.gate import Gate
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.points import newest
from otel_vector.store.edge.pool import Pool

__all__ = ["Found", "walk"]

_MAX_PAGE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Found:
    """A point and the shard it is in."""

    row: ShardRow
    id: str
    payload: dict[str, Any]


@dataclass(slots=True)
class _Stream:
    """One shard's points still to come: a page of them, and where the next page starts."""

    row: ShardRow
    ceiling_us: int
    """Nothing later is taken: what comes while the walk goes on would be out of order."""
    below_us: int | None
    page: int
    buffer: list[Any] = field(default_factory=list)
    ended: bool = False

    def upper_us(self) -> int:
        """Return the latest start that may still come."""
        if self.buffer:
            return int(self.buffer[-1].payload["s"])
        return self.ceiling_us if self.below_us is None else min(self.ceiling_us, self.below_us)


def walk(
    pool: Pool, gate: Gate, rows: Sequence[ShardRow], condition: Any | None,
    below_us: int | None, page: int,
) -> Iterator[list[Found]]:  # fmt: skip
    """Yield the points under a condition in groups of one start, latest first.

    Args:
        pool: opens the shards.
        gate: marks the reading.
        rows: shards to merge.
        condition: an engine condition, None for all.
        below_us: only starts at or before this microsecond; None for all.
        page: how many points to fetch at first; pages grow.
    """
    streams = [_Stream(row, row.max_us or 0, below_us, page) for row in rows if row.points]
    heap = [(-stream.upper_us(), stream.row.id, stream) for stream in streams]
    heapq.heapify(heap)
    while heap:
        group: list[Found] = []
        at = heap[0][0]
        while heap and heap[0][0] == at:
            _, number, stream = heapq.heappop(heap)
            if not stream.buffer:
                _fetch(pool, gate, stream, condition)
            elif int(stream.buffer[-1].payload["s"]) == -at:
                group += _take(stream, -at)
            if stream.buffer or not stream.ended:
                heapq.heappush(heap, (-stream.upper_us(), number, stream))
        if group:
            yield group


def _take(stream: _Stream, start_us: int) -> list[Found]:
    group = []
    while stream.buffer and stream.buffer[-1].payload["s"] == start_us:
        record = stream.buffer.pop()
        group.append(Found(stream.row, record.id.hex, record.payload))
    return group


def _fetch(pool: Pool, gate: Gate, stream: _Stream, condition: Any | None) -> None:
    """Read the next page into the buffer, earliest start first."""
    with gate.reading(), pool.lease(stream.row) as shard:
        records, stream.ended = newest(shard.engine, condition, stream.upper_us(), stream.page)
    stream.buffer = sorted(records, key=lambda r: r.payload["s"])
    if records:
        stream.below_us = stream.buffer[0].payload["s"] - 1
    stream.page = min(stream.page * 2, _MAX_PAGE)
