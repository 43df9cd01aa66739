"""One tenant's part of the store on a server."""

from __future__ import annotations

from collections.abc import Callable

from otel_vector.settings.config import StoreConfig
from otel_vector.store.contract import StoreSize
from otel_vector.store.models import Models
from otel_vector.store.qdrant.blocks import STREAMS, Blocks
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.dropping import Dropping
from otel_vector.store.qdrant.forgetting import Forgetting
from otel_vector.store.qdrant.meanings import QdrantMeanings
from otel_vector.store.qdrant.reader import QdrantReader
from otel_vector.store.qdrant.rebuilding import Rebuilding
from otel_vector.store.qdrant.records import QdrantRecords
from otel_vector.store.qdrant.render import holds_text, render
from otel_vector.store.qdrant.schema import Schema
from otel_vector.store.qdrant.tally import Tallies
from otel_vector.store.qdrant.upkeep import QdrantUpkeep
from otel_vector.store.qdrant.writer import QdrantWriter
from otel_vector.store.reading.cache import BlockCache
from otel_vector.store.reading.compile import Compiler
from otel_vector.store.reading.conditions import equals_any

__all__ = ["QdrantTenant"]


class QdrantTenant:
    """Implements `TenantStore`."""

    def __init__(
        self, bound: Bound, schema: Schema, config: StoreConfig, models: Callable[[], Models],
        indexed: frozenset[str],
    ) -> None:  # fmt: skip
        """Bind to a tenant; nothing is asked yet."""
        self._bound = bound
        cache = BlockCache(config.block_cache_bytes)
        self._blocks = Blocks(bound, schema, cache, config.compression_level)
        self._meanings = QdrantMeanings(bound, models)
        self._forgetting = Forgetting(bound, self._blocks, self._meanings)
        compiler = Compiler(self._meanings.operations, indexed)
        timeout_s = config.query_timeout_s
        tallies = Tallies(bound, self._blocks, compiler, timeout_s)
        shared = (bound, schema, self._blocks, self._meanings, self._forgetting)
        self._writer = QdrantWriter(*shared)
        self._reader = QdrantReader(bound, self._blocks, compiler, timeout_s)
        self._records = QdrantRecords(bound, self._meanings, self._forgetting)
        dropping = Dropping(bound, self._blocks, self._forgetting, tallies)
        self._upkeep = QdrantUpkeep(
            bound, self._blocks, self._meanings, self._forgetting, dropping, Rebuilding(*shared)
        )

    @property
    def writer(self) -> QdrantWriter:
        """See `TenantStore`."""
        return self._writer

    @property
    def reader(self) -> QdrantReader:
        """See `TenantStore`."""
        return self._reader

    @property
    def meanings(self) -> QdrantMeanings:
        """See `TenantStore`."""
        return self._meanings

    @property
    def records(self) -> QdrantRecords:
        """See `TenantStore`."""
        return self._records

    @property
    def upkeep(self) -> QdrantUpkeep:
        """See `TenantStore`."""
        return self._upkeep

    def size(self) -> StoreSize:
        """See `TenantStore`; what the server's disk holds is not known here."""
        is_log = render(equals_any("r", [STREAMS["logs"]]))
        calls = [
            self._bound.counting("spans"),
            self._bound.counting("spans", [is_log]),
            self._bound.counting("blocks"),
            self._bound.counting("records", [holds_text("kind", ["tomb"])]),
        ]
        answers = self._bound.connection.gather(calls)
        items, logs, blocks, tombstones = (int(a.result.count) for a in answers)
        return StoreSize(
            spans=items - logs, logs=logs, blocks=blocks, shards=0, disk_bytes=0,
            tombstones=tombstones,
        )  # fmt: skip
