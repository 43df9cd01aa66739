"""One tenant's store: its folder, its writer, its reader, its meanings."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from otel_vector.errors import OtelVectorError
from otel_vector.spans.ids import Tenant
from otel_vector.store.contract import SpanReader, SpanWriter, StoreSize
from otel_vector.store.edge.collect import Collector
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.drop import Dropper
from otel_vector.store.edge.forget import Forgetter
from otel_vector.store.edge.meanings import EdgeMeanings
from otel_vector.store.edge.reader import EdgeReader
from otel_vector.store.edge.rebuild import Rebuilder
from otel_vector.store.edge.records import EdgeRecords
from otel_vector.store.edge.shared import Shared
from otel_vector.store.edge.sizes import disk_bytes
from otel_vector.store.edge.snapshot import copy_open_folder, parts_of
from otel_vector.store.edge.upkeep import EdgeUpkeep
from otel_vector.store.edge.verify import Verifier
from otel_vector.store.edge.writer import EdgeWriter
from otel_vector.store.reading.compile import Compiler
from otel_vector.store.reading.streams import LOGS

__all__ = ["EdgeTenant"]


class EdgeTenant:
    """Implements `TenantStore`."""

    def __init__(self, root: Path, tenant: Tenant, shared: Shared, *, check: bool = False) -> None:
        """Open or create a tenant's folder."""
        self._data = TenantData(root, shared, unclean=check)
        try:
            self._begin(tenant, frozenset(shared.spaces.header.indexed), check=check)
        except BaseException:  # whatever it is, nobody else could release what is open
            with suppress(OtelVectorError):  # the first fault says why
                self._data.close()
            raise

    def _begin(self, tenant: Tenant, indexed: frozenset[str], *, check: bool) -> None:
        """Check, complete and recover what the last process left."""
        verifier = Verifier(self._data, tenant)
        if check:
            verifier.after_unclean_stop()
        compiler = Compiler(self._data.operations, indexed)
        collector = Collector(self._data)
        forgetter = Forgetter(self._data, tenant, collector)
        self._dropper = Dropper(self._data, forgetter)
        self._writer = EdgeWriter(self._data, tenant, forgetter)
        self._reader = EdgeReader(self._data, tenant, compiler)
        self._records = EdgeRecords(self._data, collector.release)
        collector.holders.append(self._records.held)
        self._dropper.complete()
        self._records.recover()
        self._upkeep = EdgeUpkeep(
            self._data,
            self._dropper,
            Rebuilder(self._data, tenant, forgetter),
            verifier,
            self.checkpoint,
        )

    @property
    def writer(self) -> SpanWriter:
        """See `TenantStore`."""
        return self._writer

    @property
    def reader(self) -> SpanReader:
        """See `TenantStore`."""
        return self._reader

    @property
    def meanings(self) -> EdgeMeanings:
        """See `TenantStore`."""
        return self._data.meanings

    @property
    def records(self) -> EdgeRecords:
        """See `TenantStore`."""
        return self._records

    @property
    def upkeep(self) -> EdgeUpkeep:
        """See `TenantStore`."""
        return self._upkeep

    def size(self) -> StoreSize:
        """See `TenantStore`."""
        logs = sum(row.points for row in self._data.shards if row.stream == LOGS)
        spans = sum(row.points for row in self._data.shards) - logs
        blocks = self._data.block_count()
        return StoreSize(
            spans,
            logs,
            blocks,
            len(self._data.shards),
            disk_bytes(self._data.root),
            sealed=sum(row.sealed for row in self._data.shards),
            tombstones=self._data.ledger.count,
        )

    def written(self) -> bool:
        """Whether the tenant has ever written something."""
        return bool(self._data.shards) or self._records.written()

    def checkpoint(self) -> None:
        """Make every finished write survive power loss."""
        collected = self._records.collected()
        self._writer.checkpoint()
        self._records.settle(collected)

    def parts(self) -> int:
        """Return the number of parts that a snapshot copies."""
        return parts_of(self._data.root, self._data.folders())

    def snapshot(self, target: Path, copied: Callable[[Path], None]) -> None:
        """Copy the folder as it is at one moment; writers wait, readers do not."""
        with self._data.writing:
            self.checkpoint()
            folders = self._data.folders()
            copy_open_folder(self._data.root, target, folders, copied, self._data.held)

    def close(self) -> None:
        """Checkpoint and release everything."""
        with ExitStack() as closing:
            closing.callback(self._data.close)
            closing.callback(self._records.close)
            self.checkpoint()
