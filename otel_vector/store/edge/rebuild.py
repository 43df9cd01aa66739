"""A partition's points made again from its blocks, while the old ones answer.

::

    shards of now are full ─▶ logs, then spans: described, into new shards ─▶ swap ─▶ old ones go

New shards are not listed until they are complete: a crash leaves the old points. What comes
meanwhile goes into a third shard; joins and deletions are made up for just before the swap.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from itertools import chain

from otel_vector.errors import StoreDamagedError
from otel_vector.progress import Progress
from otel_vector.spans.batch import Batch, Join, without_rows
from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.spans.items import Item, logs_data
from otel_vector.spans.meanings import Signal
from otel_vector.store.edge.blocks import StoredName
from otel_vector.store.edge.building import Building, DroppedError
from otel_vector.store.edge.data import Late, TenantData
from otel_vector.store.edge.forget import Forgetter
from otel_vector.store.edge.joins import Joins
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.points import by_trace, pages
from otel_vector.store.edge.repairs import MEANINGS
from otel_vector.store.reading.identity import ids_of_block
from otel_vector.store.reading.streams import LIVE, LOGS, OTHER
from otel_vector.store.reading.sums import as_list
from otel_vector.store.upkeep import Describe, StoredBlock

__all__ = ["Rebuilder"]

_STREAMS = (LIVE, OTHER, LOGS)


class Rebuilder:
    """Rebuilds the partitions of one tenant, one at a time."""

    def __init__(self, data: TenantData, tenant: str, forgetter: Forgetter) -> None:
        """Rebuild within a tenant's folder."""
        self._data = data
        self._tenant = tenant
        self._forgetter = forgetter
        self._joins = Joins(data)

    def blocks(self, partition: str, after: str = "") -> Iterator[StoredBlock]:
        """Yield a partition's blocks in the order of names, after one of them."""
        if partition not in self._data.manifest.folders():
            return
        blocks = self._data.blocks(partition)
        for stored in blocks.names():
            name = f"{stored.name:015d}"
            block = blocks.read(stored.name) if name > after else None
            if block is not None:
                yield StoredBlock(name, stored.signal, block.message)

    def rebuild(self, partition: str, describe: Describe, progress: Progress) -> int:
        """Replace a partition's points by those that its blocks describe; return how many.

        One that is dropped meanwhile stays dropped.

        Raises:
            StoreDamagedError: a block cannot be read; the points stay as they are.
            JobCancelledError: told to end; the points stay as they are.
        """
        data = self._data
        if partition not in data.manifest.folders():
            data.repairs.mended([partition])
            return 0
        old, todo, buried = self._begin(partition)
        building = Building(data, partition)
        try:
            self._build(building, todo, describe, progress)
            suspects = self._lost(building, old)
            with data.writing:
                self._swap(building, old, suspects | building.leave_out(buried))
        except DroppedError:
            building.discard()
            data.repairs.mended([partition])
        except BaseException:  # also when cancelled: what is not listed has no other owner
            building.discard()
            raise
        finally:
            with data.writing:
                data.late = Late()
        self._remove_set_aside(partition)
        return sum(row.points for row in building.rows)

    def _begin(self, partition: str) -> tuple[list[ShardRow], list[StoredName], int]:
        """Return the shards to be replaced, the blocks of now, and how many tombstones there are.

        From here on what comes is noted, and goes into another shard.
        """
        data = self._data
        with data.writing:
            old = data.shards_of(_STREAMS, partition)
            for row in old:
                row.full = True
            data.manifest.save(old, {}, ())
            data.late = Late([])
            return old, data.blocks(partition).names(), data.ledger.count

    def _build(
        self, building: Building, todo: Sequence[StoredName], describe: Describe,
        progress: Progress,
    ) -> None:  # fmt: skip
        total, done = sum(stored.rows for stored in todo), 0
        for stored in sorted(todo, key=lambda s: (s.signal is not Signal.LOGS, s.name)):
            progress(done, total, f"describing {building.partition}")
            block = self._data.blocks(building.partition).read(stored.name)
            if block is not None:
                self._build_block(building, stored, block.message, describe)
            done += stored.rows
        progress(done, total, f"describing {building.partition}")

    def _build_block(
        self, building: Building, stored: StoredName, message: bytes, describe: Describe
    ) -> None:
        ids = ids_of_block(self._tenant, stored.signal, message)
        batch = describe(stored.signal, message)
        if batch.ids != ids:
            raise StoreDamagedError(
                f"block {stored.name} of {building.partition} is described as other items than"
                " it holds; restore it from a backup"
            )
        positions = {span_id: at for at, span_id in reversed(list(enumerate(ids)))}
        empty = {i for i, body in zip(ids, batch.bodies, strict=True) if not body}
        buried = self._data.ledger.buried(ids)
        if buried:
            self._blank(building.partition, stored.name, [positions[i] for i in buried])
        kept = without_rows(batch, empty | buried)
        if stored.signal is Signal.SPANS:
            building.joined.add(self._foreign(kept, building.partition, describe))
            building.joined.include(kept)
        else:
            building.joined.add(kept.joins)
        building.insert(kept, stored, positions)

    def _blank(self, partition: str, name: int, positions: Sequence[int]) -> None:
        """Take the bytes of deleted items out of a block that was not looked at then."""
        with self._data.writing:
            blocks = self._data.blocks(partition)
            blocks.blank(name, positions)
            blocks.scrub()
            self._data.cache.drop(partition)

    def _foreign(self, batch: Batch, partition: str, describe: Describe) -> list[Join]:
        """Return the joins that log records of other partitions make to a batch's spans."""
        keys = list(dict.fromkeys(batch.traces))
        found: list[Item] = []
        for row in self._data.shards_of([LOGS]):
            suspects = self._data.pool.skip(row).traces(keys) if row.folder != partition else []
            for key in suspects:
                with self._data.pool.lease(row) as shard:
                    records = by_trace(shard.engine, key)
                items = [self._data.item_at(row.folder, r.payload["p"], Signal.LOGS)
                         for r in records]  # fmt: skip
                found += [item for item in items if item is not None]
        return describe(Signal.LOGS, logs_data(found).SerializeToString()).joins if found else []

    def _swap(
        self, building: Building, old: Sequence[ShardRow], suspects: Collection[MeaningId]
    ) -> None:
        """List the new shards in place of the old ones; the tenant's lock is held."""
        data, before = self._data, list(self._data.shards)
        spans = [row for row in building.rows if row.stream != LOGS]
        for join in data.late.joins or ():
            building.note(self._joins.unite(join, spans))
        self._drop_copies(building, old)
        building.complete()
        others = [row for row in before if row not in old]
        data.shards = sorted([*others, *building.rows], key=lambda row: row.id)
        try:
            building.note(self._joins.apply(building.joined.left()))
            building.widen_seen()
            data.checkpoint((), building.seen, ())
            data.ledger.bury((), (), suspects)
            data.repairs.replace(old, building.rows)
        except BaseException:  # readers go by this list, the manifest still by the old one
            data.shards = before
            raise
        data.outgoing.add(old)
        data.version += 1
        self._forgetter.settle(None)
        data.repairs.mended([building.partition])

    def _drop_copies(self, building: Building, old: Sequence[ShardRow]) -> None:
        """Remove points that came meanwhile, of items that the new shards hold as well."""
        for row in self._data.shards_of(_STREAMS, building.partition):
            if row in old:
                continue
            with self._data.pool.lease(row) as shard:
                ids = [SpanId(r.id.hex) for page in pages(shard.engine, None) for r in page]
            copies = building.holding(row.stream, ids)
            if copies:
                self._forgetter.remove_points(row, copies)

    def _lost(self, building: Building, old: Sequence[ShardRow]) -> set[MeaningId]:
        """Return the meanings that may be pointed at by fewer items than before."""
        lost: set[MeaningId] = set()
        for row in old:
            seen = building.seen.get(row.stream, {})
            with self._data.pool.lease(row) as shard:
                for record in chain.from_iterable(pages(shard.engine, None)):
                    start = record.payload["s"]
                    for meaning in as_list(record.payload.get("m")):
                        known = seen.get(meaning)
                        if known is None or not known[0] // 1000 <= start <= known[1] // 1000:
                            lost.add(MeaningId(meaning))
        return lost

    def _remove_set_aside(self, partition: str) -> None:
        """Remove damaged shards of a partition: what they held is in the new ones."""
        if MEANINGS not in self._data.repairs.damaged():
            for folder in self._data.root.glob("meanings*.damaged-*"):
                shutil.rmtree(folder, ignore_errors=True)
        for folder in (self._data.root / partition).glob("*.damaged-*"):
            shutil.rmtree(folder, ignore_errors=True)
