"""Reading blocks themselves, newest first, for what no index answers.

A block is decompressed, its bytes are tested, and only what passes is parsed and evaluated. What
matches is confirmed against the points: an item without a point is not there, and one whose
point names another block is a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from otel_vector.spans.filters import Where
from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Signal
from otel_vector.store.edge.blocks import BlockKey
from otel_vector.store.edge.data import TenantData
from otel_vector.store.reading.asking import services_in
from otel_vector.store.reading.blocks import BlockBytes
from otel_vector.store.reading.cache import CachedBlock
from otel_vector.store.reading.identity import ids_of_items
from otel_vector.store.reading.needles import part_test
from otel_vector.store.reading.scanning import Matched, read_ahead
from otel_vector.store.reading.streams import test_of
from otel_vector.store.reading.sums import as_list

__all__ = ["Scan"]


class Scan:
    """One question to the blocks of some streams."""

    def __init__(self, data: TenantData, tenant: str, signal: Signal, where: Where) -> None:
        """Prepare the tests of a question."""
        self._data = data
        self._tenant = tenant
        self._signal = signal
        self._where = where
        self._matches: Callable[[Item], bool] = test_of(signal, where)
        self._services = services_in(where.filter) if where.filter is not None else None
        self._may_match = part_test(where.filter, self._services)

    def blocks(self, streams: Sequence[str], below_us: int | None) -> list[tuple[str, BlockKey]]:
        """Return the blocks that may hold matches, latest end first, with their folders."""
        since, until = self._where.since_ns, self._where.until_ns
        found = [
            (folder, key)
            for folder in self._data.manifest.folders()
            for stream in streams
            for key in self._data.blocks(folder).keys(self._signal, stream)
            if (since is None or key.max_us >= since // 1000)
            and (until is None or key.min_us <= until // 1000)
            and (below_us is None or key.min_us <= below_us)
        ]
        return sorted(found, key=lambda entry: entry[1].max_us, reverse=True)

    def matches(
        self, streams: Sequence[str], below_us: int | None = None
    ) -> Iterator[tuple[int, list[Matched]]]:
        """Yield for each block, latest end first, its end in microseconds and its matches."""
        deadline = self._data.deadline()
        heads = self.blocks(streams, below_us)
        for folder, key, block in read_ahead(heads, lambda head: head[1].size, self._read):
            deadline.check()
            yield key.max_us, self._hits(folder, key, block, streams)

    def _read(
        self, part: Sequence[tuple[str, BlockKey]]
    ) -> list[tuple[str, BlockKey, BlockBytes]]:
        read = []
        for folder, group in groupby(part, key=itemgetter(0)):
            keys = {key.name: key for _, key in group}
            blocks = self._data.blocks(folder).read_many(list(keys))
            read += [(folder, keys[name], block) for name, block in blocks]
        return read

    def _hits(
        self, folder: str, key: BlockKey, stored: BlockBytes, streams: Sequence[str]
    ) -> list[Matched]:
        block = CachedBlock(self._signal, stored)
        found_items = block.items(self._services, self._may_match)
        matching = [(at, item) for at, item in found_items if self._matches(item)]
        if not matching:
            return []
        self._data.cache.keep((folder, key.name), block)  # whole traces are read of it next
        ids = ids_of_items(self._tenant, self._signal, [item for _, item in matching])
        # An item that was deleted leaves an empty message, which may equal a stored one.
        found: dict[SpanId, list[tuple[int, Item]]] = {}
        for span_id, match in zip(ids, matching, strict=True):
            found.setdefault(span_id, []).append(match)
        return self._confirmed(folder, key, found, streams) if found else []

    def _confirmed(
        self, folder: str, key: BlockKey, found: dict[SpanId, list[tuple[int, Item]]],
        streams: Sequence[str],
    ) -> list[Matched]:  # fmt: skip
        confirmed = []
        blocks = self._data.blocks(folder)
        for row in self._data.shards_of(streams, folder):
            suspects = self._data.pool.skip(row).ids(list(found))
            if not suspects:
                continue
            with self._data.gate.reading(), self._data.pool.lease(row) as shard:
                payloads = shard.payloads(suspects)
            for span_id, payload in payloads.items():
                at = {blocks.at(key.name, position): item for position, item in found[span_id]}
                item = at.get(payload["p"])
                if item is not None:
                    meanings = tuple(MeaningId(m) for m in as_list(payload.get("m")))
                    named = Item(
                        span_id, item.signal, item.resource, item.scope, item.message, meanings
                    )
                    confirmed.append(Matched(named, payload))
        return confirmed
