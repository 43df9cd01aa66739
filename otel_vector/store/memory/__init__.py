"""The reference store: everything in memory, obviously right, in no hurry."""

from otel_vector.store.memory.store import MemoryStore

__all__ = ["MemoryStore"]
