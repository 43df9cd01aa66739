"""One tenant's store: its folder, its writer, its reader, its meanings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from otel_vector.settings.config import StoreConfig
from otel_vector.spans.ids import Tenant
from otel_vector.store.contract import MeaningStore, SpanReader, SpanWriter, StoreSize
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.reader import EdgeReader
from otel_vector.store.edge.writer import EdgeWriter
from otel_vector.store.reading.compile import Compiler
from otel_vector.store.reading.streams import LOGS

__all__ = ["EdgeTenant"]

_SECTOR_BYTES: Final = 512


class EdgeTenant:
    """Implements `TenantStore`."""

    def __init__(
        self, root: Path, tenant: Tenant, config: StoreConfig, dimension: int,
        indexed: frozenset[str],
    ) -> None:  # fmt: skip
        """Open or create a tenant's folder."""
        self._data = TenantData(root, config, dimension)
        compiler = Compiler(self._data.meanings.operations, indexed)
        self._writer = EdgeWriter(self._data, tenant)
        self._reader = EdgeReader(self._data, tenant, compiler)

    @property
    def writer(self) -> SpanWriter:
        """See `TenantStore`."""
        return self._writer

    @property
    def reader(self) -> SpanReader:
        """See `TenantStore`."""
        return self._reader

    @property
    def meanings(self) -> MeaningStore:
        """See `TenantStore`."""
        return self._data.meanings

    def size(self) -> StoreSize:
        """See `TenantStore`."""
        logs = sum(row.points for row in self._data.shards if row.stream == LOGS)
        spans = sum(row.points for row in self._data.shards) - logs
        folders = self._data.manifest.folders()
        blocks = sum(self._data.blocks(folder).count() for folder in folders)
        return StoreSize(spans, logs, blocks, len(self._data.shards), _disk_bytes(self._data.root))

    def written(self) -> bool:
        """Whether the tenant has ever written something."""
        return bool(self._data.shards)

    def checkpoint(self) -> None:
        """Make every finished write survive power loss."""
        self._writer.checkpoint()

    def close(self) -> None:
        """Checkpoint and release everything."""
        try:
            self._writer.checkpoint()
        finally:
            self._data.close()


def _disk_bytes(root: Path) -> int:
    """Return the bytes that files below a folder take; the engine's files are sparse."""
    total = 0
    for folder, _, files in os.walk(root):  # a folder that vanishes meanwhile is passed over
        for name in files:
            try:
                total += os.lstat(f"{folder}/{name}").st_blocks * _SECTOR_BYTES
            except FileNotFoundError:
                continue
    return total
