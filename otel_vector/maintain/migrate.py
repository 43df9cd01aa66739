"""Copies a whole store into another one, of whatever backend, and proves that it did.

::

    source blocks ─▶ described again (a thread ahead) ─▶ written ─▶ checkpoint ─▶ state
                                                          └ vectors of the texts are filled in

Blocks are the truth, so they are what is copied; points and meanings are described from them, and
log records join their spans again. Nothing is embedded again. How far each partition has come is
kept in the state: after a crash, or when the source has grown since, a run goes on from there.
Writing an item twice changes nothing. At the end the content ids of both stores are computed from
their blocks and compared, partition by partition.

Besides items, tombstones and records are copied. Counts that retention kept of what it dropped
are not: they stay with the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from otel_vector.errors import StoreDamagedError
from otel_vector.maintain.ahead import ahead
from otel_vector.maintain.carrying import carry_records, carry_tombstones
from otel_vector.maintain.lots import Lot, lots_of
from otel_vector.maintain.sameness import Compared, Comparison
from otel_vector.maintain.vectors import VectorCarrier, agree_on_models
from otel_vector.progress import Progress
from otel_vector.spans.batch import digest_of
from otel_vector.spans.ids import Tenant
from otel_vector.state.contract import State
from otel_vector.store.contract import Store, TenantStore
from otel_vector.store.upkeep import Describe, Partition

__all__ = ["Migrated", "migrate"]

_AHEAD: Final = 3
_CHECKPOINT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was copied, and how it compares.

    Attributes:
        partitions: every partition of the source, compared.
        written: items that this run wrote and that the target did not have.
        vectors: vectors that this run filled in.
        tombstones: tombstones that this run added.
        records: versions of records that this run added.
    """

    partitions: tuple[Compared, ...]
    written: int
    vectors: int
    tombstones: int
    records: int


@dataclass(slots=True)
class _Counts:
    """What this run did so far."""

    done: int = 0
    total: int = 0
    written: int = 0
    vectors: int = 0
    tombstones: int = 0
    records: int = 0


def migrate(
    source: Store,
    target: Store,
    describers: Callable[[Tenant], Describe],
    state: State,
    name: str,
    progress: Progress,
) -> Migrated:
    """Copy everything from one store into another, and compare the two.

    The source may be in use; what comes to it during the run is copied by the next one. The
    target may hold other data and be in use, too.

    Args:
        source: where from; it is only read.
        target: where to, opened with the same models.
        describers: gives a tenant's describer.
        state: where it is remembered how far the copy has come.
        name: names the target in the state.
        progress: told of items; each is copied and compared, so there are twice as many.

    Raises:
        ModelMismatchError: the two stores have different models.
        StoreDamagedError: a partition differs after it was copied twice; the message names it.
        StoreUnavailableError: the target's server does not answer; the next run goes on.
        StorageFullError: the target's disk is full; the next run goes on.
    """
    agree_on_models(source, target)
    work = _Migration(source, target, describers, _Marks(state, f"migrate {name}"), progress)
    return work.run()


class _Marks:
    """Up to which block each partition is copied, durably in the target."""

    def __init__(self, state: State, namespace: str) -> None:
        self._state = state
        self._namespace = namespace
        self._known = state.items(namespace)
        self._unsaved: dict[str, str] = {}

    def get(self, tenant: Tenant, partition: str) -> str:
        """Return the last block that is copied; empty for none."""
        key = f"{tenant}/{partition}"
        return self._unsaved.get(key) or self._known.get(key, "")

    def reached(self, tenant: Tenant, partition: str, block: str) -> None:
        """Note a block that was written and not yet made durable."""
        self._unsaved[f"{tenant}/{partition}"] = block

    def save(self) -> None:
        """Remember what was noted: the target is durable now."""
        for key, block in self._unsaved.items():
            self._state.set(self._namespace, key, block)
        self._known |= self._unsaved
        self._unsaved = {}

    def forget(self, tenant: Tenant, partition: str) -> None:
        """Copy a partition from its first block again."""
        self._state.delete(self._namespace, f"{tenant}/{partition}")
        self._known.pop(f"{tenant}/{partition}", None)


@dataclass(slots=True)
class _Migration:
    """One run."""

    source: Store
    target: Store
    describers: Callable[[Tenant], Describe]
    marks: _Marks
    progress: Progress
    counts: _Counts = field(default_factory=_Counts)
    saved_at: float = field(default_factory=monotonic)

    def run(self) -> Migrated:
        """Copy, then compare; what differs is copied once more."""
        parts = {t: self.source.tenant(t).upkeep.partitions() for t in self.source.tenants()}
        self.counts.total = 2 * sum(p.items for found in parts.values() for p in found)
        compared: list[Compared] = []
        for tenant, partitions in parts.items():
            self._copy_tenant(tenant, partitions)
        for tenant, partitions in parts.items():
            compared += self._compare_tenant(tenant, partitions)
        counts = self.counts
        return Migrated(
            tuple(compared), counts.written, counts.vectors, counts.tombstones, counts.records
        )

    def _copy_tenant(self, tenant: Tenant, partitions: list[Partition]) -> None:
        source, target = self.source.tenant(tenant), self.target.tenant(tenant)
        vectors = VectorCarrier(self.source, source.meanings, target.meanings)
        self.counts.tombstones += carry_tombstones(source, target)
        self._copy(tenant, partitions, vectors)
        self.counts.records += carry_records(source, target, vectors)
        self.counts.tombstones += carry_tombstones(source, target)
        self.counts.vectors += vectors.filled
        self._save()

    def _copy(self, tenant: Tenant, parts: list[Partition], vectors: VectorCarrier) -> None:
        target = self.target.tenant(tenant)
        with closing(ahead(self._lots(tenant, parts), _AHEAD)) as lots:
            for lot in lots:
                self._write(tenant, target, lot, vectors)
                self.counts.done += len(lot)
                self._report(f"copying {tenant}/{lot.partition}")
                self.marks.reached(tenant, lot.partition, lot.last)
                if monotonic() - self.saved_at > _CHECKPOINT_S:
                    self._save()

    def _lots(self, tenant: Tenant, partitions: list[Partition]) -> Iterator[Lot]:
        upkeep, describe = self.source.tenant(tenant).upkeep, self.describers(tenant)
        for partition in partitions:
            after = self.marks.get(tenant, partition.name)
            yield from lots_of(upkeep, partition.name, after, describe)

    def _write(
        self, tenant: Tenant, target: TenantStore, lot: Lot, vectors: VectorCarrier
    ) -> None:
        for batch in lot.batches:
            written = target.writer.write(batch, digest_of(tenant, batch))
            self.counts.written += len(written.new)
            if batch.joins:
                target.writer.join(batch.joins, batch.texts)
            vectors.carry(batch.texts.values())

    def _save(self) -> None:
        self.target.checkpoint()
        self.marks.save()
        self.saved_at = monotonic()

    def _compare_tenant(self, tenant: Tenant, partitions: list[Partition]) -> list[Compared]:
        source, target = self.source.tenant(tenant), self.target.tenant(tenant)
        comparison, found = Comparison(tenant, source, target), list[Compared]()
        for partition in partitions:
            compared = comparison.of(partition, self.marks.get(tenant, partition.name))
            if compared.wrong:
                compared = self._again(tenant, partition)
            self.counts.done += compared.items
            self._report(f"compared {tenant}/{partition.name}")
            found.append(compared)
        return found

    def _again(self, tenant: Tenant, partition: Partition) -> Compared:
        """Copy a partition from its first block again, as the target may have lost it since."""
        source, target = self.source.tenant(tenant), self.target.tenant(tenant)
        self.marks.forget(tenant, partition.name)
        self._copy(
            tenant, [partition], VectorCarrier(self.source, source.meanings, target.meanings)
        )
        self._save()
        last = self.marks.get(tenant, partition.name)
        compared = Comparison(tenant, source, target).of(partition, last)
        if compared.wrong:
            raise StoreDamagedError(
                f"partition {partition.name} of tenant {tenant} is not the same in the target:"
                f" {compared.wrong}; nothing was changed in the source, look whether something"
                " else deletes in the target, and run the same command again"
            )
        return compared

    def _report(self, note: str) -> None:
        self.counts.total = max(self.counts.total, self.counts.done)
        self.progress(self.counts.done, self.counts.total, note)
