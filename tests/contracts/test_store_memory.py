"""The reference store keeps the store's promises."""

from otel_vector.store.memory import MemoryStore
from otel_vector.testing.store import StorePropertySuite, StoreSuite, StoreVolumeSuite


class InMemory:
    @classmethod
    def open_store(cls, folder):
        return MemoryStore(cls.dimension)


class TestMemoryStore(InMemory, StoreSuite):
    pass


class TestMemoryStoreAgainstFilters(InMemory, StorePropertySuite):
    pass


class TestMemoryStoreInVolume(InMemory, StoreVolumeSuite):
    pass
