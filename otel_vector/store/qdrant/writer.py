"""Writing: meanings, then blocks, then points, each done before the next; then a look back.

Rows that are stored already are left out. A block's id covers the ids of its rows, so a delivery
that is written again after a failure finds its block or makes another one, never one that says
something else. Points are inserted if absent. What came while they were written (joins that wait
for these spans, deletions of them) is looked for afterwards: whoever writes second sees the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Final

from qdrant_client import grpc as pb

from otel_vector.spans.batch import Batch, Join, assemble_parts, without_rows
from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.spans.meanings import Meaning, RunKind, Signal
from otel_vector.store.contract import Written
from otel_vector.store.qdrant.blocks import Blocks, NewBlock
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.forgetting import Forgetting
from otel_vector.store.qdrant.joins import Joins
from otel_vector.store.qdrant.meanings import QdrantMeanings
from otel_vector.store.qdrant.pack import Placed, packed
from otel_vector.store.qdrant.render import uuid_ids
from otel_vector.store.qdrant.schema import Schema
from otel_vector.store.reading.streams import LIVE, LOGS, OTHER

__all__ = ["DAY_NS", "QdrantWriter"]

DAY_NS: Final = 86_400 * 10**9
_BLOCK_ROWS: Final = 4_096
_BLOCK_BYTES: Final = 4 << 20
_UPSERT_BYTES: Final = 1 << 20


class QdrantWriter:
    """Implements `SpanWriter`."""

    def __init__(
        self, bound: Bound, schema: Schema, blocks: Blocks, meanings: QdrantMeanings,
        forgetting: Forgetting,
    ) -> None:  # fmt: skip
        """Write a tenant's items."""
        self._bound = bound
        self._schema = schema
        self._blocks = blocks
        self._meanings = meanings
        self._forgetting = forgetting
        self._joins = Joins(bound, blocks, forgetting)

    def write(self, batch: Batch, digest: bytes) -> Written:
        """See `SpanWriter`."""
        buried = self._forgetting.buried(batch.ids)
        kept = without_rows(batch, buried)
        self._meanings.add(kept.texts.values())
        fresh = self._fresh(kept)
        placed = list(self._placed(kept, fresh, digest))
        self._blocks.add([_block(kept, place) for place in placed])
        self._insert(kept, placed)
        new = [kept.ids[row] for row in fresh]
        self._look_back(kept, fresh, new)
        return Written(tuple(new), len(batch) - len(new))

    def _fresh(self, batch: Batch) -> list[int]:
        """Return the rows that are not stored yet, each once."""
        first = {batch.ids[row]: row for row in range(len(batch) - 1, -1, -1)}
        if first:
            for known in uuid_ids(self._bound.these("spans", list(first), fields=())):
                first.pop(SpanId(known), None)
        return sorted(first.values())

    def _placed(self, batch: Batch, rows: Sequence[int], digest: bytes) -> Iterator[Placed]:
        for (day, stream), members in _parts(batch, rows).items():
            for chunk in _chunks(batch, members):
                hasher = blake2b(digest, digest_size=16, person=b"ov-block")
                hasher.update(f"{self._bound.tenant}/{day}/{stream}/".encode())
                hasher.update("".join([batch.ids[row] for row in chunk]).encode())
                yield Placed(chunk, hasher.hexdigest(), stream, day, self._bound.tenant)

    def _insert(self, batch: Batch, placed: Sequence[Placed]) -> None:
        name = self._bound.names.of("spans")
        calls = []
        for day in dict.fromkeys(place.day for place in placed):
            rest = pb.UpsertPoints(
                collection_name=name, wait=True, update_mode=pb.UpdateMode.InsertOnly,
                shard_key_selector=self._schema.selector("spans", day),
            ).SerializeToString()  # fmt: skip
            points = (p for place in placed if place.day == day for p in packed(batch, place))
            calls += [("Points/Upsert", part + rest) for part in _gathered(points)]
        self._bound.connection.gather(calls)

    def _look_back(self, batch: Batch, rows: Sequence[int], new: Sequence[SpanId]) -> None:
        """Apply what came while the points were written."""
        buried = self._forgetting.buried(new)
        if buried:
            self._forgetting.remove(batch.signal, buried)
        if batch.signal is Signal.SPANS:
            self._joins.catch_up([batch.traces[row] for row in rows])

    def join(self, joins: Sequence[Join], texts: Mapping[MeaningId, Meaning]) -> None:
        """See `SpanWriter`."""
        buried = self._forgetting.buried([j.source for j in joins if j.source is not None])
        kept = [join for join in joins if join.source not in buried]
        wanted = {m for join in kept for m in join.meanings}
        if kept:
            self._meanings.add([texts[m] for m in wanted if m in texts])
            self._joins.apply(kept)

    def delete(self, signal: Signal, ids: Collection[SpanId]) -> int:
        """See `SpanWriter`."""
        self._forgetting.bury(ids)
        return self._forgetting.remove(signal, ids)


def _parts(batch: Batch, rows: Sequence[int]) -> dict[tuple[int, str], Sequence[int]]:
    """Split rows by day and stream; usually it is one part."""
    if rows and set(batch.runs) == {RunKind.LIVE}:
        first, last = min(batch.start_ns) // DAY_NS, max(batch.start_ns) // DAY_NS
        if first == last:
            return {(first, _stream(batch, rows[0])): rows}
    parts: dict[tuple[int, str], list[int]] = {}
    for row in rows:
        parts.setdefault((batch.start_ns[row] // DAY_NS, _stream(batch, row)), []).append(row)
    return dict(parts)


def _stream(batch: Batch, row: int) -> str:
    if batch.signal is Signal.LOGS:
        return LOGS
    return LIVE if batch.runs[row] is RunKind.LIVE else OTHER


def _chunks(batch: Batch, rows: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut rows into blocks of a bounded size."""
    if len(rows) <= _BLOCK_ROWS and sum(map(len, batch.bodies)) <= _BLOCK_BYTES:
        yield rows
        return
    chunk: list[int] = []
    size = 0
    for row in rows:
        if chunk and (len(chunk) == _BLOCK_ROWS or size + len(batch.bodies[row]) > _BLOCK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += len(batch.bodies[row])
    if chunk:
        yield chunk


def _block(batch: Batch, place: Placed) -> NewBlock:
    starts = [batch.start_ns[row] for row in place.rows]
    parts = list(assemble_parts(batch, place.rows))
    return NewBlock(place.block, place.stream, place.day, min(starts), max(starts), parts)


def _gathered(points: Iterator[bytes]) -> Iterator[bytes]:
    """Put small parts together to upserts of a good size."""
    held: list[bytes] = []
    size = 0
    for part in points:
        held.append(part)
        size += len(part)
        if size >= _UPSERT_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
