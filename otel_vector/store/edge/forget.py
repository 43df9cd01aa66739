"""Deleting items for good: tombstones, points, bytes in blocks, meanings, in this order.

::

    ledger: tombstone + doomed ─▶ points, flushed ─▶ blocks, scrubbed ─▶ meanings ─▶ ledger: done

Whatever stops it in between, the ledger says what is left when the tenant is opened again, and
each step may be done twice. Where an item's bytes are is found by its start and its content id,
so that copies in other blocks, which a crash may leave, go with it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import qdrant_edge as engine

from otel_vector.spans.ids import MeaningId, SpanId, trace_key
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Signal
from otel_vector.store.edge.blocks import BlockKey
from otel_vector.store.edge.collect import Collector, Ends
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.ledger import Doomed
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.points import by_trace
from otel_vector.store.edge.shard import CHUNK
from otel_vector.store.reading.identity import ids_of_block
from otel_vector.store.reading.streams import LIVE, LOGS, OTHER
from otel_vector.store.reading.sums import as_list

__all__ = ["Forgetter"]

_READ: Final = 64
"""Blocks read at once."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """An item that is to be deleted, as it is stored."""

    doomed: Doomed
    meanings: list[MeaningId]
    item: Item | None


class Forgetter:
    """Deletes items of one tenant. Its writing lock is held, and everything is checkpointed."""

    def __init__(self, data: TenantData, tenant: str, collector: Collector) -> None:
        """Delete within a tenant's folder."""
        self._data = data
        self._tenant = tenant
        self._collector = collector

    def delete(self, signal: Signal, ids: Collection[SpanId]) -> int:
        """Delete items; return how many of them were stored."""
        self.complete()
        stored = self._stored(signal, list(dict.fromkeys(ids)))
        doomed = [s.doomed for s in stored]
        suspects = {m for s in stored for m in s.meanings}
        unawaited = self._unawaited(stored) if signal is Signal.LOGS else set()
        for key in unawaited:
            suspects.update(MeaningId(m) for w in self._data.waiting[key] for m in w.meanings)
        self._data.ledger.bury(ids, doomed, suspects, unawaited)
        for key in unawaited:
            del self._data.waiting[key]
        if stored or unawaited:
            traces = {s.item.message.trace_id for s in stored if s.item is not None}
            all_known = all(s.item is not None for s in stored)
            self._take_out(doomed, traces if all_known else None)
            self.settle(_ends(stored))
        return len(stored)

    def release(self, meanings: Collection[MeaningId]) -> None:
        """Remove those of some meanings that nothing points at, and retention tells nothing of."""
        told = self._data.ledger.retired(meanings)
        self._collector.release([m for m in meanings if m not in told])

    def complete(self) -> None:
        """Complete what a crash or a fault left unfinished."""
        doomed, suspects = self._data.ledger.doomed(), self._data.ledger.suspects()
        if doomed or suspects:
            self._take_out(doomed, None)
            self.settle(None)

    def settle(self, gone: Mapping[str, Mapping[int, Ends]] | None) -> None:
        """Collect meanings after their items went; note that everything is done.

        Args:
            gone: first and last start (microseconds) of what went, by stream and meaning; None
                if that is not known.
        """
        suspects = self._data.ledger.suspects()
        seen = self._collector.narrow(suspects, gone)
        removed = self._collector.collect(suspects)
        self._data.version += 1
        self._data.meanings.flush()
        self._data.ledger.done(seen, removed)

    def _stored(self, signal: Signal, ids: Sequence[SpanId]) -> list[_Stored]:
        streams = (LOGS,) if signal is Signal.LOGS else (LIVE, OTHER)
        found: dict[SpanId, _Stored] = {}
        for row in self._data.shards_of(streams):
            suspects = self._data.pool.skip(row).ids(ids) if ids else []
            if suspects:
                self._data.gate.step_aside()
                with self._data.pool.lease(row) as shard:
                    payloads = shard.payloads(suspects)
                for span_id, payload in payloads.items():
                    found[span_id] = self._located(row, span_id, payload, signal)
        return list(found.values())

    def _located(
        self, row: ShardRow, span_id: SpanId, payload: Mapping[str, Any], signal: Signal
    ) -> _Stored:
        doomed = Doomed(span_id, row.folder, row.stream, payload["s"])
        item = self._data.item_at(row.folder, payload["p"], signal)
        return _Stored(doomed, [MeaningId(m) for m in as_list(payload.get("m"))], item)

    def _unawaited(self, logs: Iterable[_Stored]) -> set[bytes]:
        """Return the spans for which joins wait that no log record asks for any more."""
        going = {log.doomed.id for log in logs}
        messages = [log.item.message for log in logs if log.item is not None]
        keys = {(m.trace_id, m.span_id) for m in messages}
        waited = [key for key in keys if key[0] + key[1] in self._data.waiting]
        return {t + s for t, s in waited if not self._others(t, s, going)}

    def _others(self, trace_id: bytes, span_id: bytes, going: Collection[SpanId]) -> bool:
        """Whether log records of a span stay."""
        key = trace_key(trace_id)
        for row in self._data.shards_of([LOGS]):
            if not self._data.pool.skip(row).trace(key):
                continue
            with self._data.pool.lease(row) as shard:
                records = by_trace(shard.engine, key)
            for record in records:
                item = self._data.item_at(row.folder, record.payload["p"], Signal.LOGS)
                stays = SpanId(record.id.hex) not in going
                if stays and item is not None and item.message.span_id == span_id:
                    return True
        return False

    def _take_out(self, doomed: Sequence[Doomed], traces: Collection[bytes] | None) -> None:
        """Remove points and the bytes in blocks; all survive power loss."""
        ordered = sorted(doomed, key=_place)
        for (folder, stream), group in groupby(ordered, key=_place):
            members = list(group)
            self._remove_points(folder, stream, [d.id for d in members])
            self._blank(folder, stream, members, traces)

    def _remove_points(self, folder: str, stream: str, ids: Sequence[SpanId]) -> None:
        for row in self._data.shards_of([stream], folder):
            suspects = self._data.pool.skip(row).ids(ids)
            if suspects:
                self.remove_points(row, suspects)

    def remove_points(self, row: ShardRow, ids: Sequence[SpanId]) -> None:
        """Remove those of some points that a shard has; it survives power loss."""
        with self._data.pool.lease(row) as shard:
            stored = list(shard.payloads(ids))
            for start in range(0, len(stored), CHUNK):
                self._data.gate.step_aside()
                shard.remove(stored[start : start + CHUNK])
            shard.flush()
            # Counted anew: a crash may have come between a removal and this.
            row.points = shard.engine.count(engine.CountRequest(exact=True))
        self._data.version += 1
        self._data.manifest.save([row], {}, ())

    def _blank(
        self, folder: str, stream: str, doomed: Sequence[Doomed], traces: Collection[bytes] | None
    ) -> None:
        signal = Signal.LOGS if stream == LOGS else Signal.SPANS
        blocks, ids = self._data.blocks(folder), {d.id for d in doomed}
        starts = sorted({d.start_us for d in doomed})
        names = [k.name for k in blocks.keys(signal, stream) if _overlaps(k, starts)]
        for first in range(0, len(names), _READ):
            for name, block in blocks.read_many(names[first : first + _READ]):
                if traces is None or any(trace in block.message for trace in traces):
                    of_block = ids_of_block(self._tenant, signal, block.message)
                    positions = [at for at, i in enumerate(of_block) if i in ids]
                    if positions:
                        blocks.blank(name, positions)
        blocks.scrub()
        self._data.cache.drop(folder)


def _place(doomed: Doomed) -> tuple[str, str]:
    return doomed.folder, doomed.stream


def _overlaps(key: BlockKey, starts: Sequence[int]) -> bool:
    """Whether one of some starts, in order, lies within a block's range."""
    at = bisect_left(starts, key.min_us)
    return at < len(starts) and starts[at] <= key.max_us


def _ends(stored: Iterable[_Stored]) -> dict[str, dict[int, Ends]]:
    """Return first and last start of items by stream and meaning, in microseconds."""
    found: dict[str, dict[int, Ends]] = {}
    for one in stored:
        table, start = found.setdefault(one.doomed.stream, {}), one.doomed.start_us
        for meaning in one.meanings:
            first, last = table.get(meaning, (start, start))
            table[meaning] = (min(first, start), max(last, start))
    return found
