"""The embedded backend: Qdrant's engine in this process."""

from otel_vector.store.edge.store import EdgeStore

__all__ = ["EdgeStore"]
