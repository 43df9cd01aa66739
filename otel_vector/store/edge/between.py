"""Asking the items that the engine is unsure of: those between the bounds of a clause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import qdrant_edge as engine

from otel_vector.spans.filters import Where
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Signal
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.points import everything
from otel_vector.store.edge.render import filter_of
from otel_vector.store.reading.asking import asks_meanings
from otel_vector.store.reading.clause import Clause
from otel_vector.store.reading.streams import streams_of, test_of
from otel_vector.store.reading.sums import as_list

__all__ = ["unsure_items"]

_MANY: Final = 50_000
"""Items from which on a scan of all blocks is quicker than asking each."""


def unsure_items(
    data: TenantData, signal: Signal, where: Where, clause: Clause
) -> Iterator[tuple[Item, dict[str, Any]]] | None:
    """Return the matching items between a clause's bounds, with their points' payloads.

    None if they are so many that the blocks had better be scanned; that never happens to a
    filter on meanings, which only points know.
    """
    streams, _ = streams_of(signal, where)
    rows = data.shards_of(streams)
    unsure = filter_of(clause.unsure())
    points_only = where.filter is not None and asks_meanings(where.filter)
    if not points_only and sum(_counts(data, rows, unsure)) > _MANY:
        return None
    return _asked(data, signal, where, rows, unsure)


def _counts(
    data: TenantData, rows: list[ShardRow], condition: engine.Filter | None
) -> Iterator[int]:
    for row in rows:
        with data.gate.reading(), data.pool.lease(row) as shard:
            yield shard.engine.count(engine.CountRequest(False, condition))


def _asked(
    data: TenantData,
    signal: Signal,
    where: Where,
    rows: list[ShardRow],
    unsure: engine.Filter | None,
) -> Iterator[tuple[Item, dict[str, Any]]]:
    matches = test_of(signal, where)
    deadline = data.deadline()
    for row in rows:
        with data.gate.reading(), data.pool.lease(row) as shard:
            records = everything(shard.engine, unsure)
        for record in sorted(records, key=_place):  # block after block
            deadline.check()
            known = data.item_at(row.folder, record.payload["p"], signal)
            if known is None:
                continue
            meanings = tuple(MeaningId(m) for m in as_list(record.payload.get("m")))
            item = Item(known.id, signal, known.resource, known.scope, known.message, meanings)
            if matches(item):
                yield item, record.payload


def _place(record: Any) -> int:
    return int(record.payload["p"])
