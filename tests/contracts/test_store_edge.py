"""The embedded store keeps the store's promises, with shards so small that they roll."""

from otel_vector.settings.config import StoreConfig
from otel_vector.store.edge import EdgeStore
from otel_vector.testing.store import StoreSuite

_SMALL = StoreConfig(span_shard_points=50, max_open_shards=4, max_partitions=6)


class TestEdgeStore(StoreSuite):
    @classmethod
    def open_store(cls, folder):
        return EdgeStore(folder, _SMALL, "test-model", cls.dimension)
