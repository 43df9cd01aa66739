"""A day's points made again from its blocks, block after block, in place.

What log records add is found by their traces, before a block's points are replaced and again
after it: whatever joins or deletions came meanwhile are made up for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from qdrant_client import grpc as pb

from otel_vector.progress import Progress
from otel_vector.spans.batch import Batch, Join, without_rows
from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.spans.items import logs_data
from otel_vector.spans.meanings import Signal
from otel_vector.store.qdrant.blocks import BlockHead, Blocks
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.forgetting import Forgetting
from otel_vector.store.qdrant.joins import Joins
from otel_vector.store.qdrant.meanings import QdrantMeanings
from otel_vector.store.qdrant.pack import Placed, packed
from otel_vector.store.qdrant.points import Found, conditions, found_in, items_of
from otel_vector.store.qdrant.schema import Schema
from otel_vector.store.reading.blocks import BlockBytes
from otel_vector.store.reading.conditions import equals_any
from otel_vector.store.reading.identity import ids_of_block
from otel_vector.store.reading.streams import LOGS
from otel_vector.store.reading.sums import as_list
from otel_vector.store.upkeep import Describe

__all__ = ["Rebuilding"]

_TRACES: Final = 1_000


class Rebuilding:
    """Rebuilds a tenant's points."""

    def __init__(
        self, bound: Bound, schema: Schema, blocks: Blocks, meanings: QdrantMeanings,
        forgetting: Forgetting,
    ) -> None:  # fmt: skip
        """Rebuild within a tenant."""
        self._bound = bound
        self._schema = schema
        self._blocks = blocks
        self._meanings = meanings
        self._forgetting = forgetting
        self._joins = Joins(bound, blocks, forgetting)

    def rebuild(self, day: int, describe: Describe, progress: Progress) -> int:
        """Replace a day's points by those that its blocks describe; return how many."""
        heads = self._blocks.heads(("logs", "live", "other"), _of_day(day))
        heads.sort(key=lambda head: (head.signal is not Signal.LOGS, head.id))
        count, suspects = 0, set[int]()
        for number, head in enumerate(heads):
            progress(number, len(heads), "describing blocks")
            for stored in self._blocks.read([head.id]).values():
                replaced, before = self._replace(head, stored, describe)
                count += replaced
                suspects |= before
        self._forgetting.collect({MeaningId(m) for m in suspects})
        progress(len(heads), len(heads), "describing blocks")
        return count

    def _replace(
        self, head: BlockHead, stored: BlockBytes, describe: Describe
    ) -> tuple[int, set[int]]:
        """Replace one block's points; return how many, and what they pointed at before."""
        ids = ids_of_block(self._bound.tenant, head.signal, stored.message)
        batch = describe(head.signal, stored.message)
        empty = {i for i, body in zip(batch.ids, batch.bodies, strict=True) if not body}
        now = {f.id: f for f in map(found_in, self._bound.these("spans", [str(i) for i in ids]))}
        elsewhere = {i for i, f in now.items() if f.place != (head.id, _position(ids, i, f))}
        kept = without_rows(batch, empty | elsewhere | self._forgetting.buried(batch.ids))
        places = {identity: at for at, identity in reversed(list(enumerate(ids)))}
        if head.signal is Signal.SPANS:
            _include(kept, self._of_logs(kept, describe))
        self._meanings.add(kept.texts.values())
        self._upsert(kept, head, places)
        self._catch_up(kept, describe)
        return len(kept), {m for f in now.values() for m in as_list(f.payload.get("m"))}

    def _catch_up(self, kept: Batch, describe: Describe) -> None:
        buried = self._forgetting.buried(kept.ids)
        if buried:
            self._forgetting.remove(kept.signal, buried)
        if kept.signal is Signal.SPANS:
            joins = self._of_logs(kept, describe)
            self._meanings.add(kept.texts.values())
            wanted = set(zip(kept.trace_ids, kept.span_ids, strict=True))
            self._joins.unite([j for j in joins if (j.trace_id, j.span_id) in wanted])

    def _of_logs(self, batch: Batch, describe: Describe) -> list[Join]:
        """Return what stored log records add to a batch's spans; their texts go into it."""
        traces = list(dict.fromkeys(batch.traces))
        found: list[Found] = []
        for start in range(0, len(traces), _TRACES):
            must = conditions([LOGS], equals_any("t", traces[start : start + _TRACES]))
            found += map(found_in, self._bound.scroll("spans", must))
        items = list(items_of(self._blocks, found, Signal.LOGS))
        if not items:
            return []
        described = describe(Signal.LOGS, bytes(logs_data(items).SerializeToString()))
        joined = {m for join in described.joins for m in join.meanings}
        batch.texts |= {m: text for m, text in described.texts.items() if m in joined}
        return described.joins

    def _upsert(self, batch: Batch, head: BlockHead, places: dict[SpanId, int]) -> None:
        if not len(batch):
            return
        positions = [places[identity] for identity in batch.ids]
        placed = Placed(
            range(len(batch)), head.id, head.stream, head.day, self._bound.tenant, positions
        )
        rest = pb.UpsertPoints(
            collection_name=self._bound.names.of("spans"), wait=True,
            shard_key_selector=self._schema.selector("spans", head.day),
        ).SerializeToString()  # fmt: skip
        calls = [("Points/Upsert", part + rest) for part in packed(batch, placed)]
        self._bound.connection.gather(calls)


def _of_day(day: int) -> list[Any]:
    """Return what restricts a question to the blocks of a day."""
    return conditions(("live", "other", "logs"), equals_any("y", [day]))


def _position(ids: Sequence[SpanId], identity: SpanId, found: Found) -> int:
    """Return where an item stands in a block: where its point says, if that is so."""
    at = found.place[1]
    return at if at < len(ids) and ids[at] == identity else -1


def _include(batch: Batch, joins: Sequence[Join]) -> None:
    """Add what joins say to a batch's rows."""
    rows: dict[tuple[bytes, bytes], list[int]] = {}
    for row, key in enumerate(zip(batch.trace_ids, batch.span_ids, strict=True)):
        rows.setdefault(key, []).append(row)
    for join in joins:
        for row in rows.get((join.trace_id, join.span_id), ()):
            batch.meanings[row] = tuple(dict.fromkeys((*batch.meanings[row], *join.meanings)))
            batch.keys[row] = tuple(dict.fromkeys((*batch.keys[row], *join.keys)))
