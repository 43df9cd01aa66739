"""The names of collections and of the vectors of models."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from otel_vector.store.models import Model

__all__ = ["KINDS", "Names", "uuid_of", "vector_name"]

KINDS: Final = ("spans", "blocks", "meanings", "records")


@dataclass(frozen=True, slots=True)
class Names:
    """The collections of one store; a server may hold several."""

    prefix: str

    def of(self, kind: str) -> str:
        """Return the name of a collection."""
        return f"{self.prefix}{kind}"


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
