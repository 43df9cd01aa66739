"""Writing: meanings, then the block, then its points; duplicates left out.

A batch is split by partition and stream. Rows that are stored already (in this batch, or in any
shard of the partition) are left out of the block. A digest that is known means a redelivery: the
block stands, and the points it names are inserted if they are missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import qdrant_edge as engine

from otel_vector.spans.batch import Batch, Join, assemble_parts, without_rows
from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.spans.meanings import Meaning, RunKind, Signal
from otel_vector.store.contract import Written
from otel_vector.store.edge.blocks import MAX_ROWS, BlockRow, place, unplace
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.faults import require_free_space
from otel_vector.store.edge.forget import Forgetter
from otel_vector.store.edge.joins import Joins
from otel_vector.store.edge.manifest import DAY_NS, Seen, ShardRow
from otel_vector.store.edge.shard import CHUNK, SpanShard
from otel_vector.store.reading.identity import ids_of_block
from otel_vector.store.reading.streams import LIVE, LOGS, OTHER

__all__ = ["EdgeWriter", "points_of"]

_VECTOR = [1.0]
_DELETED = 4_000
"""Items deleted under one hold of the tenant's lock."""


@dataclass(slots=True)
class _Part:
    """Rows of a batch that belong into one partition and stream."""

    folder: str
    stream: str
    rows: list[int]


class EdgeWriter:
    """Implements `SpanWriter`."""

    def __init__(self, data: TenantData, tenant: str, forgetter: Forgetter) -> None:
        """Write into a tenant's folder."""
        self._data = data
        self._forgetter = forgetter
        self._tenant = tenant
        self._joins = Joins(data)
        self._active: dict[tuple[str, str], ShardRow] = {
            (row.folder, row.stream): row for row in data.shards if not row.full
        }
        self._changed: dict[int, ShardRow] = {}
        self._seen: dict[str, set[int]] = {}

    def write(self, batch: Batch, digest: bytes) -> Written:
        """See `SpanWriter`."""
        with self._data.writing:
            return self._write(batch, digest)

    def _write(self, batch: Batch, digest: bytes) -> Written:
        require_free_space(self._data.root)
        buried = self._data.ledger.buried(batch.ids)
        texts = without_rows(batch, buried).texts
        self._data.meanings.add(texts.values())
        included = self._joins.include(batch, buried)
        new: list[SpanId] = []
        for part in _parts(batch, self._data):
            for start in range(0, len(part.rows), MAX_ROWS):
                rows = part.rows[start : start + MAX_ROWS]
                name = f"{part.folder}/{part.stream}/{start}".encode()
                key = blake2b(digest + name, digest_size=16).digest()
                chunk = _Part(part.folder, part.stream, rows)
                new += self._write_part(batch, chunk, key, buried)
        self._joins.done += included
        if buried:  # texts that a crash left before their rows were written
            self._forgetter.release([m for m in batch.texts if m not in texts])
        return Written(tuple(new), len(batch) - len(new))

    def join(self, joins: Sequence[Join], texts: Mapping[MeaningId, Meaning]) -> None:
        """See `SpanWriter`."""
        if not joins:
            return
        with self._data.writing:
            buried = self._data.ledger.buried([j.source for j in joins if j.source is not None])
            kept = [join for join in joins if join.source not in buried]
            self._data.meanings.add({m: texts[m] for j in kept for m in j.meanings}.values())
            if self._data.late.joins is not None:
                self._data.late.joins += kept
            for stream, meaning, start_ns in self._joins.apply(kept):
                self._note(stream, meaning, start_ns, start_ns)
            self._data.version += 1

    def delete(self, signal: Signal, ids: Collection[SpanId]) -> int:
        """See `SpanWriter`."""
        wanted, deleted = list(dict.fromkeys(ids)), 0
        for start in range(0, len(wanted), _DELETED):
            with self._data.writing:
                self.checkpoint()
                deleted += self._forgetter.delete(signal, wanted[start : start + _DELETED])
        return deleted

    def _write_part(
        self, batch: Batch, part: _Part, digest: bytes, buried: Collection[SpanId]
    ) -> list[SpanId]:
        blocks = self._data.blocks(part.folder)
        name = blocks.find(digest)
        positions: dict[SpanId, int] | None = None
        known = blocks.read(name) if name is not None else None
        if known is not None:
            stored = ids_of_block(self._tenant, batch.signal, known.message)
            positions = {span_id: at for at, span_id in enumerate(stored)}
        if buried:
            if name is not None and positions is not None:
                self._blank(part.folder, name, [p for i, p in positions.items() if i in buried])
            kept = [row for row in part.rows if batch.ids[row] not in buried]
            part = _Part(part.folder, part.stream, kept)
        self._note_seen(batch, part)
        fresh = self._without_stored(batch, part, positions)
        if not fresh:
            return []
        if name is None:
            name = blocks.add(_block(batch, part.stream, fresh, digest))
        self._insert(batch, part, fresh, name, positions)
        return [batch.ids[row] for row in fresh]

    def _blank(self, folder: str, name: int, positions: Sequence[int]) -> None:
        """Take out of a block what was deleted before its points were ever there."""
        if positions:
            blocks = self._data.blocks(folder)
            blocks.blank(name, positions)
            blocks.scrub()
            self._data.cache.drop(folder)

    def _without_stored(
        self, batch: Batch, part: _Part, positions: Mapping[SpanId, int] | None
    ) -> list[int]:
        """Return the rows whose points are missing; of a known block only its own."""
        first = {batch.ids[row]: row for row in reversed(part.rows)}
        if positions is not None:
            first = {span_id: row for span_id, row in first.items() if span_id in positions}
        ids = list(first)
        for row in self._data.shards_of([part.stream], part.folder):
            suspects = self._data.pool.skip(row).ids(ids) if ids else []
            if suspects:
                self._data.gate.step_aside()
                with self._data.pool.lease(row) as shard:
                    for span_id in self._whole(row, shard, suspects):
                        del first[span_id]
                ids = list(first)
        return sorted(first.values())

    def _whole(
        self, row: ShardRow, shard: SpanShard, suspects: Sequence[SpanId]
    ) -> Iterator[SpanId]:
        """Yield the ids that are stored with their block; remove points that lost theirs."""
        places = {i: unplace(payload["p"])[0] for i, payload in shard.payloads(suspects).items()}
        stored = self._data.blocks(row.folder).stored(set(places.values()))
        lost = [span_id for span_id, name in places.items() if name not in stored]
        if lost:
            shard.remove(lost)
            row.points -= len(lost)
            self._changed[row.id] = row
        yield from (span_id for span_id, name in places.items() if name in stored)

    def _insert(
        self, batch: Batch, part: _Part, rows: Sequence[int], name: int,
        positions: Mapping[SpanId, int] | None,
    ) -> None:  # fmt: skip
        points = points_of(batch, rows, name, positions)
        shard_row = self._active_shard(part)
        skip = self._data.pool.skip(shard_row)
        skip.unsave()
        ids, traces = [batch.ids[r] for r in rows], [batch.traces[r] for r in rows]
        skip.add(ids, traces)
        # Wide enough before the first point is in: a reader must not pass the shard over.
        self._widen(shard_row, [batch.start_ns[r] // 1000 for r in rows])
        with self._data.pool.lease(shard_row) as shard:
            for start in range(0, len(points), CHUNK):
                self._data.gate.step_aside()
                chunk = points[start : start + CHUNK]
                shard.insert(chunk)
                shard_row.points += len(chunk)
                self._data.version += 1
        if shard_row.points >= self._data.config.span_shard_points:
            shard_row.full = True
            skip.save()

    def _active_shard(self, part: _Part) -> ShardRow:
        key = (part.folder, part.stream)
        row = self._active.get(key)
        if row is None or row.full:
            row = self._active[key] = self._data.new_shard(part.folder, part.stream)
        return row

    def _widen(self, row: ShardRow, starts_us: Sequence[int]) -> None:
        low, high = min(starts_us), max(starts_us)
        row.min_us = low if row.min_us is None else min(row.min_us, low)
        row.max_us = high if row.max_us is None else max(row.max_us, high)
        self._changed[row.id] = row

    def _note_seen(self, batch: Batch, part: _Part) -> None:
        for row in part.rows:
            start = batch.start_ns[row]
            for meaning in batch.meanings[row]:
                self._note(part.stream, meaning, start, start)

    def _note(self, stream: str, meaning: int, first: int, last: int) -> None:
        """Widen what is known of a meaning's first and last start; repeating changes nothing."""
        table = self._data.seen.setdefault(stream, {})
        known = table.get(meaning)
        if known is None:
            wider = (first, last)
        elif first < known[0] or last > known[1]:
            wider = (min(first, known[0]), max(last, known[1]))
        else:
            return
        table[meaning] = wider
        self._seen.setdefault(stream, set()).add(meaning)

    def _seen_now(self) -> dict[str, Seen]:
        """Return first and last starts that changed, as they are now: others may widen them."""
        tables = self._data.seen
        return {
            stream: {m: tables[stream][m] for m in changed if m in tables[stream]}
            for stream, changed in self._seen.items()
        }

    def checkpoint(self) -> None:
        """Make every finished write survive power loss; what fails is tried by the next one."""
        with self._data.writing:
            self._data.checkpoint(self._changed.values(), self._seen_now(), self._joins.done)
            self._changed, self._seen = {}, {}
            self._joins.forget_done()


def _parts(batch: Batch, data: TenantData) -> Iterator[_Part]:
    """Split a batch by partition and stream; usually it is one part."""
    folder_of = data.manifest.folder_of
    if _is_one_part(batch):
        stream = LOGS if batch.signal is Signal.LOGS else LIVE
        yield _Part(folder_of(batch.start_ns[0]), stream, list(range(len(batch))))
        return
    parts: dict[tuple[str, str], list[int]] = {}
    logs = batch.signal is Signal.LOGS
    for row, (start, run) in enumerate(zip(batch.start_ns, batch.runs, strict=True)):
        stream = LOGS if logs else LIVE if run is RunKind.LIVE else OTHER
        parts.setdefault((folder_of(start), stream), []).append(row)
    for (folder, stream), rows in parts.items():
        yield _Part(folder, stream, rows)


def _is_one_part(batch: Batch) -> bool:
    """Whether all rows are live and of one day, as nearly always."""
    if not len(batch) or set(batch.runs) != {RunKind.LIVE}:
        return False
    return min(batch.start_ns) // DAY_NS == max(batch.start_ns) // DAY_NS


def _block(batch: Batch, stream: str, rows: Sequence[int], digest: bytes) -> BlockRow:
    starts = [batch.start_ns[row] for row in rows]
    return BlockRow(
        digest,
        batch.signal,
        stream,
        len(rows),
        min(starts),
        max(starts),
        list(assemble_parts(batch, rows)),
    )


def points_of(
    batch: Batch, rows: Sequence[int], name: int, positions: Mapping[SpanId, int] | None
) -> list[engine.Point]:
    """Return the points of rows of a block, at their positions in it."""
    point, base = engine.Point, place(name, 0)
    points = []
    for at, row in enumerate(rows):
        meanings, keys, span_id = batch.meanings[row], batch.keys[row], batch.ids[row]
        payload: dict[str, object] = {
            "t": batch.traces[row],
            "s": batch.start_ns[row] // 1000,
            "d": batch.buckets[row],
            "p": base + (at if positions is None else positions[span_id]),
        }
        if meanings:
            payload["m"] = meanings[0] if len(meanings) == 1 else list(meanings)
        if keys:
            payload["k"] = keys[0] if len(keys) == 1 else list(keys)
        points.append(point(span_id, _VECTOR, payload))
    return points
