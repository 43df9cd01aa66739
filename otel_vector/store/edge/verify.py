"""Whether shards are what they should be: checked after an unclean stop, and when one is loaded.

A shard that does not load, or whose indexes disagree with its points, is set aside: noted,
unlisted, renamed. Search goes on with the rest, and a rebuild makes its points again from
blocks. Nothing is lost by it, since blocks are the truth.

Points that are missing beside their blocks are usually a delivery that the stop interrupted,
which comes again from the inbox: they are looked for some time later.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from time import monotonic
from typing import Any, Final

import qdrant_edge as engine

from otel_vector.errors import StoreDamagedError
from otel_vector.spans.durations import BUCKETS
from otel_vector.spans.ids import SpanId
from otel_vector.spans.items import items_of
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.points import pages
from otel_vector.store.reading.identity import ids_of_items
from otel_vector.store.reading.streams import LIVE, LOGS, OTHER
from otel_vector.store.reading.sums import as_list

__all__ = ["Verifier", "disagreement"]

_STREAMS: Final = (LIVE, OTHER, LOGS)
_REDELIVERED_S: Final = 60.0
"""How long an interrupted delivery may take to come again."""
_log = logging.getLogger(__name__)


class Verifier:
    """Checks the shards of one tenant."""

    def __init__(self, data: TenantData, tenant: str) -> None:
        """Check a tenant's folder."""
        self._data = data
        self._tenant = tenant
        self._opened_s = monotonic()
        self._unsure: set[tuple[str, str]] = set()

    def after_unclean_stop(self) -> None:
        """Check every shard that is not sealed; set aside what is wrong."""
        for row in [row for row in self._data.shards if not row.sealed]:
            with self._data.pool.lease(row) as shard:
                wrong = disagreement(shard.engine)
            self._unsure.add((row.folder, row.stream))
            if wrong:
                self._data.set_aside(row, wrong)

    def damaged(self) -> dict[str, str]:
        """Return what has to be rebuilt, and why."""
        if self._unsure and monotonic() - self._opened_s > _REDELIVERED_S:
            self.compare_with_blocks()
        return {**self._data.repairs.damaged(), **self._data.unreadable}

    def compare_with_blocks(self) -> None:
        """Look for items without a point in what an unclean stop may have touched."""
        while self._unsure:
            folder, stream = self._unsure.pop()
            missing = 0
            with suppress(StoreDamagedError):  # told as unreadable
                missing = self._missing(folder, stream)
            if missing:
                why = f"{missing} of its items ({stream}) have no point"
                _log.error("partition %s: %s; it is made again from its blocks", folder, why)
                self._data.repairs.note({folder: why})

    def _missing(self, folder: str, stream: str) -> int:
        """Return how many items of a partition's blocks have no point; cheap if none lacks one."""
        if folder in self._data.repairs.damaged():
            return 0
        stored = [block for block in self._data.blocks(folder).names() if block.stream == stream]
        rows = self._data.shards_of([stream], folder)
        if sum(block.rows for block in stored) <= sum(row.points for row in rows):
            return 0
        with self._data.writing:
            points = {i for row in rows for i in self._ids(row)}
            return sum(len(page - points) for page in self._items(folder, stream))

    def _ids(self, row: ShardRow) -> Iterator[SpanId]:
        with self._data.pool.lease(row) as shard:
            for page in pages(shard.engine, None):
                self._data.gate.step_aside()
                yield from (SpanId(record.id.hex) for record in page)

    def _items(self, folder: str, stream: str) -> Iterator[set[SpanId]]:
        """Yield the ids of a stream's items that are not deleted, block after block."""
        blocks = self._data.blocks(folder)
        for stored in blocks.names():
            block = blocks.read(stored.name) if stored.stream == stream else None
            if block is not None:
                nameless = [SpanId("")] * stored.rows
                items = items_of(stored.signal, block.message, nameless)
                whole = [item for item in items if item.message.ByteSize()]
                ids = ids_of_items(self._tenant, stored.signal, whole)
                yield set(ids) - self._data.ledger.buried(ids)


def disagreement(shard: engine.EdgeShard) -> str:
    """Return how a shard's indexes disagree with its points; empty if they agree."""
    count = shard.count(engine.CountRequest(True))
    buckets = shard.facet(engine.FacetRequest("d", BUCKETS + 10, False))
    if sum(int(hit.count) for hit in buckets) != count:
        return "its index of durations disagrees with its points"
    since = engine.FieldCondition("s", range=engine.RangeFloat(gte=0.0))
    if shard.count(engine.CountRequest(True, engine.Filter(must=[since]))) != count:
        return "its index of starts disagrees with its points"
    held: dict[str, Counter[int]] = {"m": Counter(), "k": Counter()}
    found = 0
    for record in chain.from_iterable(pages(shard, None)):
        found += 1
        for name, values in held.items():
            values.update(set(as_list(record.payload.get(name))))
    if found != count:
        return f"it holds {found} points and counts {count}"
    wrong = [name for name, values in held.items() if _facet(shard, name, values) != values]
    return f"its index of {wrong[0]!r} disagrees with its points" if wrong else ""


def _facet(shard: engine.EdgeShard, name: str, values: Counter[int]) -> Counter[int]:
    hits: Any = shard.facet(engine.FacetRequest(name, len(values) + 10, False))
    return Counter({int(hit.value): int(hit.count) for hit in hits if hit.count})
