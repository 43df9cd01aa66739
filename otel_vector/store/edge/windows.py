"""Which shards a window of starts touches, and which of them lie within it as a whole."""

from __future__ import annotations

from collections.abc import Iterable

from otel_vector.spans.filters import Where
from otel_vector.store.edge.manifest import ShardRow

__all__ = ["is_within", "overlapping"]


def overlapping(
    rows: Iterable[ShardRow], where: Where, below_us: int | None = None
) -> list[ShardRow]:
    """Return the shards whose range of starts touches a time window.

    Args:
        rows: shards to choose from.
        where: has the window.
        below_us: only those with a start at or before this microsecond.
    """
    since, until = where.since_ns, where.until_ns
    return [
        row
        for row in rows
        if row.points
        and row.min_us is not None
        and row.max_us is not None
        and (since is None or row.max_us >= since // 1000)
        and (until is None or row.min_us <= until // 1000)
        and (below_us is None or row.min_us <= below_us)
    ]


def is_within(row: ShardRow, where: Where) -> bool:
    """Return whether every start of a shard, to the nanosecond, lies in a time window."""
    if row.min_us is None or row.max_us is None:
        return False
    since, until = where.since_ns, where.until_ns
    begins = since is None or row.min_us * 1000 >= since
    return begins and (until is None or (row.max_us + 1) * 1000 <= until)
