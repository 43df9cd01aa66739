"""The embedders of a store's models: the default one, and those of single facets.

Which they are changes when another model has taken the place of one; whoever holds this asks
the new one from then on.
"""

from __future__ import annotations

from collections.abc import Sequence

from otel_vector.embed.contract import Embedder, Role, Vector

__all__ = ["Embedders", "each_of"]


class Embedders:
    """Implements `Embedder` by the first of some, the default one."""

    def __init__(self, embedders: Sequence[Embedder]) -> None:
        """Begin with at least one."""
        self._all = tuple(embedders)

    @property
    def model(self) -> str:
        """The default model's name."""
        return self._all[0].model

    @property
    def dimension(self) -> int:
        """Length of the default model's vectors."""
        return self._all[0].dimension

    def embed(self, texts: Sequence[str], role: Role) -> list[Vector]:
        """Return one vector per text, of the default model."""
        return self._all[0].embed(texts, role)

    def all(self) -> tuple[Embedder, ...]:
        """Return every model's embedder, the default one first."""
        return self._all

    def take(self, embedders: Sequence[Embedder]) -> None:
        """Go on with others, at least one."""
        self._all = tuple(embedders)


def each_of(embedder: Embedder) -> tuple[Embedder, ...]:
    """Return every embedder that one stands for."""
    return embedder.all() if isinstance(embedder, Embedders) else (embedder,)
