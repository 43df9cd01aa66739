"""The names of collections and of the vectors of models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from otel_vector.spans.ids import SpanId
from otel_vector.store.models import Model

__all__ = ["KINDS", "Names", "shard_key", "tombs_of", "uuid_of", "vector_name"]

KINDS: Final = ("spans", "blocks", "meanings", "records")


@dataclass(frozen=True, slots=True)
class Names:
    """The collections of one store; a server may hold several."""

    prefix: str
    day_shards: bool = False
    """Whether spans and blocks have shard keys by day."""

    def is_sharded(self, kind: str) -> bool:
        """Return whether changes of a collection have to name shard keys."""
        return self.day_shards and kind in {"spans", "blocks"}

    def of(self, kind: str) -> str:
        """Return the name of a collection."""
        return f"{self.prefix}{kind}"


def shard_key(day: int) -> str:
    """Return the shard key of a day."""
    return f"d{day:05d}"


def vector_name(model: Model) -> str:
    """Return the name of a model's vectors; a function of the model alone."""
    text = f"{model.name}\x1f{model.dimension}".encode("utf-8", "replace")
    return f"dense-{blake2b(text, digest_size=8).hexdigest()}"


def uuid_of(*parts: str) -> str:
    """Return the id of a thing with these names: 32 hex digits."""
    hasher = blake2b(digest_size=16, person=b"ov-point")
    for part in parts:
        raw = part.encode("utf-8", "replace")
        hasher.update(len(raw).to_bytes(4, "big"))
        hasher.update(raw)
    return hasher.hexdigest()


def tombs_of(tenant: str, ids: Iterable[SpanId]) -> dict[str, SpanId]:
    """Return the ids of the points that are the tombstones of items, and of which item each is.

    Half of it is the item's, so that points are in the order of items; half is a hash with the
    tenant in it. Deletions name any id they like: no tenant may take the place of a point of
    another's by that.
    """
    base = blake2b(tenant.encode(), digest_size=8, person=b"ov-tomb")
    found = {}
    for identity in ids:
        hasher = base.copy()
        hasher.update(identity.encode())
        found[identity[:16] + hasher.hexdigest()] = identity
    return found
