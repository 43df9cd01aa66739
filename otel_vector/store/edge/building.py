"""The shards that a rebuild fills, and what it learns on the way; nobody else knows of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence

from otel_vector.spans.batch import Batch, Join
from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.store.edge.blocks import StoredName
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.manifest import Seen, ShardRow
from otel_vector.store.edge.points import pages
from otel_vector.store.edge.shard import CHUNK, create_shard_folder, shard_folder
from otel_vector.store.edge.writer import points_of
from otel_vector.store.reading.sums import as_list

__all__ = ["Building", "DroppedError", "Joined"]


class DroppedError(Exception):
    """The partition was dropped while it was built anew."""


class Joined:
    """What log records add to spans, by span."""

    def __init__(self) -> None:
        self._joins: dict[bytes, Join] = {}
        self._used: set[bytes] = set()

    def add(self, joins: Iterable[Join]) -> None:
        """Take joins; several to one span add up."""
        for join in joins:
            key = join.trace_id + join.span_id
            known = self._joins.get(key)
            if known is not None:
                meanings = tuple(dict.fromkeys((*known.meanings, *join.meanings)))
                keys = tuple(dict.fromkeys((*known.keys, *join.keys)))
                join = Join(join.trace_id, join.span_id, meanings, keys)  # noqa: PLW2901
            self._joins[key] = join

    def include(self, batch: Batch) -> None:
        """Add to the rows of a batch of spans what was joined to them."""
        for row, key in enumerate(map(bytes.__add__, batch.trace_ids, batch.span_ids)):
            join = self._joins.get(key)
            if join is not None:
                self._used.add(key)
                batch.meanings[row] = tuple(dict.fromkeys((*batch.meanings[row], *join.meanings)))
                batch.keys[row] = tuple(dict.fromkeys((*batch.keys[row], *join.keys)))

    def left(self) -> list[Join]:
        """Return the joins to spans that were not among those included."""
        return [join for key, join in self._joins.items() if key not in self._used]


class Building:
    """New shards of one partition."""

    def __init__(self, data: TenantData, partition: str) -> None:
        """Build for a partition; nothing is made yet."""
        self._data = data
        self.partition = partition
        self.rows: list[ShardRow] = []
        self.joined = Joined()
        self.seen: dict[str, Seen] = data.late.seen

    def insert(self, batch: Batch, stored: StoredName, positions: Mapping[SpanId, int]) -> None:
        """Insert the points of a block's items, and add the meanings they point at."""
        with self._data.writing:
            self.require_partition()
            self._data.meanings.add(batch.texts.values())
            known = set(self.holding(stored.stream, batch.ids))
            first = {i: row for row, i in reversed(list(enumerate(batch.ids))) if i not in known}
            rows = sorted(first.values())
            for start in range(0, len(rows), CHUNK):
                self._insert(batch, rows[start : start + CHUNK], stored, positions)

    def _insert(
        self, batch: Batch, rows: Sequence[int], stored: StoredName,
        positions: Mapping[SpanId, int],
    ) -> None:  # fmt: skip
        shard_row = self._row(stored.stream)
        starts = [batch.start_ns[row] // 1000 for row in rows]
        self._data.pool.skip(shard_row).add(
            [batch.ids[row] for row in rows], [batch.traces[row] for row in rows]
        )
        self._data.gate.step_aside()
        with self._data.pool.lease(shard_row) as shard:
            shard.insert(points_of(batch, rows, stored.name, positions))
        shard_row.points += len(rows)
        low, high = shard_row.min_us, shard_row.max_us
        shard_row.min_us = min(starts) if low is None else min(low, *starts)
        shard_row.max_us = max(starts) if high is None else max(high, *starts)
        self.note(
            (stored.stream, meaning, batch.start_ns[row])
            for row in rows
            for meaning in batch.meanings[row]
        )

    def _row(self, stream: str) -> ShardRow:
        """Return the shard that is being filled, a new one if it is full."""
        limit = self._data.config.span_shard_points
        for row in reversed(self.rows):
            if row.stream == stream and row.points < limit:
                return row
        row = ShardRow(self._data.repairs.number(), self.partition, stream, full=True)
        create_shard_folder(shard_folder(self._data.root / self.partition, row))
        self.rows.append(row)
        return row

    def holding(self, stream: str, ids: Sequence[SpanId]) -> list[SpanId]:
        """Return those among some ids whose points are here."""
        found: list[SpanId] = []
        for row in self.rows:
            suspects = self._data.pool.skip(row).ids(ids) if row.stream == stream and ids else []
            if suspects:
                with self._data.pool.lease(row) as shard:
                    found += shard.payloads(suspects)
        return found

    def note(self, touched: Iterable[tuple[str, int, int]]) -> None:
        """Widen first and last starts: stream, meaning and start of items."""
        for stream, meaning, start_ns in touched:
            table = self.seen.setdefault(stream, {})
            first, last = table.get(meaning, (start_ns, start_ns))
            table[meaning] = (min(first, start_ns), max(last, start_ns))

    def require_partition(self) -> None:
        """Go on only if the partition is still there; the tenant's lock is held.

        Raises:
            DroppedError: it is not.
        """
        if self.partition not in self._data.manifest.folders():
            raise DroppedError

    def leave_out(self, buried: int) -> set[MeaningId]:
        """Remove points of items that went meanwhile; return the meanings they pointed at.

        Args:
            buried: how many tombstones there were when the rebuild began.

        Raises:
            DroppedError: all of them went.
        """
        self.require_partition()
        before_us = self._data.late.cuts.get(self.partition)
        if self._data.ledger.count == buried and before_us is None:
            return set()
        return {m for row in self.rows for m in self._leave_out(row, before_us or 0)}

    def _leave_out(self, row: ShardRow, before_us: int) -> Iterator[MeaningId]:
        with self._data.pool.lease(row) as shard:
            for page in list(pages(shard.engine, None)):
                buried = self._data.ledger.buried([SpanId(r.id.hex) for r in page])
                gone = [
                    r for r in page if SpanId(r.id.hex) in buried or r.payload["s"] < before_us
                ]
                if gone:
                    shard.remove([SpanId(r.id.hex) for r in gone])
                    row.points -= len(gone)
                    yield from (MeaningId(m) for r in gone for m in as_list(r.payload.get("m")))

    def complete(self) -> None:
        """Make the shards survive power loss."""
        for row in self.rows:
            with self._data.pool.lease(row) as shard:
                shard.flush()
            self._data.pool.skip(row).save()

    def widen_seen(self) -> None:
        """Let the tenant know first and last starts at least as wide as found here."""
        for stream, table in self.seen.items():
            known = self._data.seen.setdefault(stream, {})
            for meaning, (first, last) in table.items():
                old = known.get(meaning, (first, last))
                known[meaning] = table[meaning] = (min(first, old[0]), max(last, old[1]))

    def discard(self) -> None:
        """Remove the shards: they are not listed."""
        self._data.pool.retire(self.rows)
        for row in self.rows:
            folder = shard_folder(self._data.root / self.partition, row)
            shutil.rmtree(folder, ignore_errors=True)
            folder.with_suffix(".bloom").unlink(missing_ok=True)
