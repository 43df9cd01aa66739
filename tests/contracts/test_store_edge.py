"""The embedded store keeps the store's promises, with shards so small that they roll."""

from otel_vector.settings.config import StoreConfig
from otel_vector.store.edge import EdgeStore
from otel_vector.store.memory import MemoryStore
from otel_vector.testing.store import (
    ForgettingSuite,
    StorePropertySuite,
    StoreSuite,
    StoreVolumeSuite,
)


class Embedded:
    config = StoreConfig(span_shard_points=50, max_open_shards=4, max_partitions=6)

    @classmethod
    def open_store(cls, folder):
        return EdgeStore(folder, cls.config, "test-model", cls.dimension)


class TestEdgeStore(Embedded, StoreSuite):
    pass


class TestEdgeStoreAgainstFilters(Embedded, StorePropertySuite):
    pass


class TestEdgeStoreInVolume(Embedded, StoreVolumeSuite):
    config = StoreConfig()


class TestEdgeStoreForgets(Embedded, ForgettingSuite):
    config = StoreConfig()
    reference = MemoryStore
