"""What the tenants of one open store share."""

from __future__ import annotations

from dataclasses import dataclass

from otel_vector.settings.config import StoreConfig
from otel_vector.store.edge.open_shards import Room
from otel_vector.store.edge.spaces import Spaces

__all__ = ["Shared"]


@dataclass(frozen=True, slots=True)
class Shared:
    """Sizes and limits, the embedding models, and the room for open shards."""

    config: StoreConfig
    spaces: Spaces
    room: Room
