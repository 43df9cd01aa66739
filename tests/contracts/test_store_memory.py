"""The reference store keeps the store's promises."""

from otel_vector.store.memory import MemoryStore
from otel_vector.testing.store import StoreSuite


class TestMemoryStore(StoreSuite):
    @classmethod
    def open_store(cls, folder):
        return MemoryStore(cls.dimension)
