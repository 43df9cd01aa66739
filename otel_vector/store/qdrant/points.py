"""Span points: newest first, the ends of a range, those of a trace; and items from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Signal
from otel_vector.store.qdrant.blocks import STREAMS, Blocks
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.render import render
from otel_vector.store.qdrant.values import plain
from otel_vector.store.reading.conditions import Condition, Range, equals_any
from otel_vector.store.reading.sums import as_list

__all__ = ["Found", "conditions", "found_in", "items_of", "newest", "tied"]

_EXACT: Final = 1 << 53
_BLUR: Final = 4
"""Starts beyond 2**53 microseconds (the year 2255) are up to this far off as float64."""


@dataclass(frozen=True, slots=True)
class Found:
    """A span point."""

    id: SpanId
    payload: dict[str, Any]

    @property
    def start_us(self) -> int:
        """Its start in microseconds."""
        return int(self.payload["s"])

    @property
    def start_ns(self) -> int:
        """Its start in nanoseconds."""
        return int(self.payload["s"]) * 1000 + int(self.payload["n"])

    @property
    def place(self) -> tuple[str, int]:
        """Its block, and its position in that."""
        return self.payload["b"], self.payload["p"]


def found_in(point: Any) -> Found:
    """Return a point as it is read."""
    return Found(SpanId(point.id.uuid.replace("-", "")), plain(point.payload))


def conditions(streams: Sequence[str], condition: Condition | None) -> list[Any]:
    """Return what restricts a question to streams and to a condition."""
    held = render(equals_any("r", [STREAMS[stream] for stream in streams]))
    return [held] if condition is None else [held, render(condition)]


def newest(bound: Bound, must: Sequence[Any], below_us: int | None, limit: int) -> list[Found]:
    """Return points by start, latest first; ties in no order, but whole.

    Args:
        bound: the tenant.
        must: conditions.
        below_us: only starts at or before this microsecond; None for all.
        limit: how many to look for; ties make it fewer or more, never none if there are any.
    """
    wanted = max(2, limit + 1)
    within = [*must, *_at_most(below_us)]
    while True:
        points = bound.ordered("spans", "s", wanted, newest=True, must=within)
        read = [found_in(point) for point in points]
        kept = [f for f in read if below_us is None or f.start_us <= below_us]
        if len(read) < wanted:
            return kept
        if kept:
            last = kept[-1].start_us
            return [f for f in kept if f.start_us != last] or tied(bound, must, last)
        wanted *= 2


def _at_most(below_us: int | None) -> list[Any]:
    if below_us is None:
        return []
    slack = 1 if below_us < _EXACT else _BLUR
    return [render(Range("s", None, float(below_us + slack)))]


def tied(bound: Bound, must: Sequence[Any], start_us: int) -> list[Found]:
    """Return every point of one start; floats blur late starts, so look around it."""
    window = Range("s", float(start_us - _BLUR), float(start_us + _BLUR + 1))
    points = bound.scroll("spans", [render(window), *must])
    return [f for f in map(found_in, points) if f.start_us == start_us]


def items_of(blocks: Blocks, found: Iterable[Found], signal: Signal) -> Iterator[Item]:
    """Yield the items of points; one whose block is not there is not there either."""
    points = list(found)
    for point, item in zip(points, blocks.items([p.place for p in points], signal), strict=True):
        if item is not None:
            meanings = tuple(MeaningId(m) for m in as_list(point.payload.get("m")))
            yield Item(point.id, signal, item.resource, item.scope, item.message, meanings)
