"""Reading points: by trace, newest first, and what their list fields hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import qdrant_edge as engine

__all__ = ["EVERY", "by_trace", "end", "ends", "everything", "newest", "pages"]

_PAGE: Final = 2_000
EVERY: Final = 1 << 40
"""A facet's limit that leaves no value out; the engine takes no memory for it."""
_EXACT: Final = 1 << 53
_BLUR: Final = 4
"""Starts beyond 2**53 microseconds (the year 2255) are up to this far off as float64."""


def by_trace(shard: engine.EdgeShard, key: int) -> list[Any]:
    """Return the points of a trace key, with payload, in no order."""
    condition = engine.FieldCondition("t", match=engine.MatchValue(key))
    return everything(shard, engine.Filter(must=[condition]))


def everything(shard: engine.EdgeShard, condition: engine.Filter | None) -> list[Any]:
    """Return every point under a condition, with payload, in no order."""
    return [record for records in pages(shard, condition) for record in records]


def pages(shard: engine.EdgeShard, condition: engine.Filter | None) -> Iterator[list[Any]]:
    """Yield every point under a condition, with payload, some at a time."""
    offset, more = None, True
    while more:
        records, offset = shard.scroll(
            engine.ScrollRequest(
                offset=offset, limit=_PAGE, filter=condition, with_payload=True, with_vector=False
            )
        )
        yield records
        more = offset is not None


def newest(
    shard: engine.EdgeShard, condition: Any | None, below_us: int | None, limit: int
) -> tuple[list[Any], bool]:
    """Return points by start, latest first, and whether there are no more.

    Ties are in no order, but whole.

    Args:
        shard: where to look.
        condition: an engine condition, None for all points.
        below_us: only starts at or before this microsecond.
        limit: how many to look for; ties make it fewer or more, never none if there are any.
    """
    wanted = max(2, limit + 1)
    while True:
        records = _ordered(shard, _bounded(condition, below_us), wanted, engine.Direction.Desc)
        within = [r for r in records if below_us is None or r.payload["s"] <= below_us]
        if len(records) < wanted:
            return within, True
        if within:
            return _whole_ties(shard, condition, within), False
        wanted *= 2


def _whole_ties(shard: engine.EdgeShard, condition: Any | None, records: list[Any]) -> list[Any]:
    """Return ordered points without a last tie that may be cut, or with all of it if it is all."""
    last = records[-1].payload["s"]
    head = [r for r in records if r.payload["s"] != last]
    return head or _tied(shard, condition, last)


def _bounded(condition: Any | None, below_us: int | None) -> Any | None:
    if below_us is None:
        return condition
    slack = 0 if below_us < _EXACT else _BLUR
    window = engine.FieldCondition("s", range=engine.RangeFloat(lte=float(below_us + slack)))
    return engine.Filter(must=[window] if condition is None else [condition, window])


def ends(shard: engine.EdgeShard, condition: Any | None) -> list[Any]:
    """Return the points of the first and of the last start, all of each tie."""
    return [*end(shard, condition, latest=False), *end(shard, condition, latest=True)]


def end(
    shard: engine.EdgeShard, condition: Any | None, *, latest: bool, bound_us: int | None = None
) -> list[Any]:
    """Return the points of the last start, or of the first: all of the tie.

    Args:
        shard: where to look.
        condition: an engine condition, None for all points.
        latest: the last start, not the first.
        bound_us: a microsecond that the condition leaves nothing beyond; the engine need not walk
            through what lies there.
    """
    direction = engine.Direction.Desc if latest else engine.Direction.Asc
    if bound_us is not None:
        bound_us += _BLUR if latest else -_BLUR
    # A limit of one takes forty times as long as one of two.
    records = _ordered(shard, condition, 2, direction, bound_us)
    starts = [record.payload["s"] for record in records]
    if len(starts) > 1 and abs(starts[0] - starts[1]) <= _BLUR:
        records = _tied(shard, condition, starts[0])
    return [record for record in records if record.payload["s"] == starts[0]]


def _ordered(
    shard: engine.EdgeShard,
    condition: Any | None,
    limit: int,
    direction: engine.Direction,
    start_us: int | None = None,
) -> list[Any]:
    request = engine.ScrollRequest(
        limit=limit,
        filter=None if condition is None else engine.Filter(must=[condition]),
        with_payload=True,
        with_vector=False,
        order_by=engine.OrderBy("s", direction, start_us),
    )
    return list(shard.scroll(request)[0])


def _tied(shard: engine.EdgeShard, condition: Any | None, start_us: int) -> list[Any]:
    """Return every point of one start; floats blur starts beyond 2**53, so look around it."""
    window = engine.FieldCondition(
        "s", range=engine.RangeFloat(gte=float(start_us - _BLUR), lte=float(start_us + _BLUR))
    )
    must = [window] if condition is None else [condition, window]
    found = everything(shard, engine.Filter(must=must))
    return [record for record in found if record.payload["s"] == start_us]
