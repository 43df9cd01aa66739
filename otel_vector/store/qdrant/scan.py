"""Reading blocks themselves, newest first, for what no index answers.

A block is decompressed, its bytes are tested, and only what passes is parsed and evaluated. What
matches is confirmed against the points: an item without a point is not there, and one whose
point names another block is a copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otel_vector.spans.filters import Where
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Signal
from otel_vector.store.qdrant.blocks import BlockHead, Blocks
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.points import found_in
from otel_vector.store.qdrant.render import render
from otel_vector.store.reading.asking import services_in
from otel_vector.store.reading.blocks import BlockBytes
from otel_vector.store.reading.cache import CachedBlock
from otel_vector.store.reading.conditions import Range
from otel_vector.store.reading.deadline import Deadline
from otel_vector.store.reading.identity import ids_of_items
from otel_vector.store.reading.needles import part_test
from otel_vector.store.reading.scanning import Matched, read_ahead
from otel_vector.store.reading.streams import test_of
from otel_vector.store.reading.sums import as_list

__all__ = ["Scan"]

_SLACK_US: Final = 4

Part = list[tuple[BlockHead, BlockBytes]]


class Scan:
    """One question to the blocks of some streams."""

    def __init__(self, bound: Bound, blocks: Blocks, signal: Signal, where: Where) -> None:
        """Prepare the tests of a question."""
        self._bound = bound
        self._blocks = blocks
        self._signal = signal
        self._where = where
        self._matches = test_of(signal, where)
        self._services = services_in(where.filter) if where.filter is not None else None
        self._may_match = part_test(where.filter, self._services)

    def _heads(self, streams: Sequence[str], below_us: int | None) -> list[BlockHead]:
        """Return the blocks that may hold matches, latest end first."""
        since, until, must = self._where.since_ns, self._where.until_ns, []
        if since is not None:
            must.append(render(Range("hi", float(since // 1000 - _SLACK_US), None)))
        latest = [
            t for t in (below_us, until // 1000 if until is not None else None) if t is not None
        ]
        if latest:
            must.append(render(Range("lo", None, float(min(latest) + _SLACK_US))))
        heads = self._blocks.heads(streams, must)
        return sorted(heads, key=lambda head: head.max_us, reverse=True)

    def matches(
        self, streams: Sequence[str], deadline: Deadline, below_us: int | None = None
    ) -> Iterator[tuple[int, list[Matched]]]:
        """Yield for each block, latest end first, its end in microseconds and its matches."""
        heads = self._heads(streams, below_us)
        for head, block in read_ahead(heads, lambda head: head.size, self._read):
            deadline.check()
            yield head.max_us, self._hits(head, block)

    def _read(self, part: Sequence[BlockHead]) -> Part:
        stored = self._blocks.read([head.id for head in part])
        return [(head, stored[head.id]) for head in part if head.id in stored]

    def _hits(self, head: BlockHead, stored: BlockBytes) -> list[Matched]:
        block = CachedBlock(self._signal, stored)
        matching = [
            (at, item)
            for at, item in block.items(self._services, self._may_match)
            if item.message.ByteSize() and self._matches(item)
        ]
        if not matching:
            return []
        items = [item for _, item in matching]
        ids = ids_of_items(self._bound.tenant, self._signal, items)
        found = dict(zip(ids, matching, strict=True))
        confirmed = []
        for point in map(found_in, self._bound.these("spans", list(found))):
            position, item = found[point.id]
            if point.place == (head.id, position):
                meanings = tuple(MeaningId(m) for m in as_list(point.payload.get("m")))
                whole = Item(
                    point.id, item.signal, item.resource, item.scope, item.message, meanings
                )
                confirmed.append(Matched(whole, point.payload))
        return confirmed
