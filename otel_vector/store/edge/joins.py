"""Joining log records to their spans, whichever comes first.

A join reads the span's point, unites its `m` and `k` with the join's, and sets them: repeating
it changes nothing. A join whose span is not here waits, durably and in memory; the span's row
includes it when it comes. It stops waiting at the checkpoint after that.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any

from otel_vector.spans.batch import Batch, Join
from otel_vector.spans.ids import MeaningId, SpanId, trace_key
from otel_vector.spans.meanings import Signal
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.manifest import ShardRow, Waiting
from otel_vector.store.edge.points import by_trace
from otel_vector.store.edge.shard import SpanShard
from otel_vector.store.reading.streams import LIVE, OTHER
from otel_vector.store.reading.sums import as_list

__all__ = ["Joins"]

_log = logging.getLogger(__name__)


class Joins:
    """Applies joins and keeps those that wait."""

    def __init__(self, data: TenantData) -> None:
        """Join within a tenant's folder."""
        self._data = data
        self.done: list[Waiting] = []
        """Waiting joins that spans have included since the last checkpoint."""

    def include(self, batch: Batch, buried: Collection[SpanId]) -> list[Waiting]:
        """Add waiting joins to the rows of a batch whose spans they wait for; return those.

        Rows that are not written since they were deleted include nothing. Joins go on waiting
        until the batch is written: hand them to `done` then.
        """
        waiting = self._data.waiting
        included: list[Waiting] = []
        if not waiting or batch.signal is Signal.LOGS:
            return included
        for row, (trace, span) in enumerate(zip(batch.trace_ids, batch.span_ids, strict=True)):
            entries = waiting.get(trace + span)
            if entries and batch.ids[row] not in buried:
                meanings = [m for e in entries for m in e.meanings]
                keys = [k for e in entries for k in e.keys]
                known = batch.meanings[row]
                batch.meanings[row] = (*known, *_missing(map(MeaningId, meanings), known))
                batch.keys[row] = (*batch.keys[row], *_missing(keys, batch.keys[row]))
                included += entries
        return included

    def apply(self, joins: Sequence[Join]) -> Iterator[tuple[str, int, int]]:
        """Join what is here, let the rest wait; yield (stream, meaning, start) of what changed."""
        late: list[Waiting] = []
        rows = self._data.shards_of((LIVE, OTHER))
        for join in joins:
            changed = list(self.unite(join, rows))
            yield from changed
            if not changed:
                late.append(Waiting(join.trace_id, join.span_id, join.meanings, join.keys))
        self._wait(late)

    def unite(self, join: Join, rows: Sequence[ShardRow]) -> Iterator[tuple[str, int, int]]:
        """Join what some shards hold; yield (stream, meaning, start) of what was touched."""
        for row, span_id, payload, start_ns in self._points_of(join, rows):
            self._unite(row, span_id, payload, join)
            for meaning in join.meanings:
                yield row.stream, meaning, start_ns

    def _wait(self, late: Sequence[Waiting]) -> None:
        fresh = [w for w in late if w not in self._data.waiting.get(w.trace_id + w.span_id, ())]
        if fresh:
            self._data.manifest.wait(fresh)
            for entry in fresh:
                key = entry.trace_id + entry.span_id
                self._data.waiting.setdefault(key, []).append(entry)
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        """Give up on the spans that have been waited for longest, above the bound."""
        waiting = self._data.waiting
        excess = len(waiting) - self._data.config.max_waiting_joins
        for key in list(islice(waiting, max(0, excess))):
            self.done += waiting.pop(key)
        if excess > 0:
            _log.warning("%d spans that log records belong to did not come; their errors and"
                         " content stay with the log records", excess)  # fmt: skip

    def _points_of(
        self, join: Join, rows: Sequence[ShardRow]
    ) -> Iterator[tuple[ShardRow, SpanId, dict[str, Any], int]]:
        """Yield the points of the span a join is for: usually one."""
        key = trace_key(join.trace_id)
        for row in rows:
            if self._data.pool.skip(row).trace(key):
                self._data.gate.step_aside()
                with self._data.pool.lease(row) as shard:
                    records = by_trace(shard.engine, key)
                for record in records:
                    item = self._data.item_at(row.folder, record.payload["p"], Signal.SPANS)
                    if item is None:
                        continue
                    message = item.message
                    if (message.trace_id, message.span_id) == (join.trace_id, join.span_id):
                        yield row, SpanId(record.id.hex), record.payload, item.start_ns

    def _unite(self, row: ShardRow, span_id: SpanId, payload: dict[str, Any], join: Join) -> None:
        with self._data.pool.lease(row) as shard:
            _set_missing(shard, span_id, payload, "m", join.meanings)
            _set_missing(shard, span_id, payload, "k", join.keys)

    def forget_done(self) -> None:
        """Let joins wait no longer whose spans are durable with them."""
        done, self.done = self.done, []
        for entry in done:
            self._data.waiting.pop(entry.trace_id + entry.span_id, None)


def _set_missing(
    shard: SpanShard, span_id: SpanId, payload: dict[str, Any], name: str, more: Sequence[int]
) -> None:
    known = as_list(payload.get(name))
    missing = _missing(more, known)
    if missing:
        shard.set_field(span_id, name, [*known, *missing])


def _missing(more: Any, known: Sequence[int]) -> list[Any]:
    return [value for value in dict.fromkeys(more) if value not in known]
