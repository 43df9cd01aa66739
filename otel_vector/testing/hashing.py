"""A deterministic embedder for tests: no model, no download, a microsecond a word.

Each word is hashed to one dimension and a sign, so that texts sharing words are near. Good
enough to see a whole path work; never a substitute for a model's quality.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from xxhash import xxh3_64_intdigest

from otel_vector.embed.contract import Role, Vector

__all__ = ["HashingEmbedder"]

_WORD = re.compile(r"\w+")


class HashingEmbedder:
    """Bag of hashed words, of length one."""

    def __init__(self, dimension: int = 64) -> None:
        self._dimension = dimension

    @property
    def model(self) -> str:
        """`hashing-` and the dimension."""
        return f"hashing-{self._dimension}"

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._dimension

    def embed(self, texts: Sequence[str], role: Role) -> list[Vector]:  # noqa: ARG002
        """Return one vector per text; the role makes no difference."""
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> Vector:
        vector = [0.0] * self._dimension
        for word in _WORD.findall(text.lower()):
            value = xxh3_64_intdigest(word.encode("utf-8", "replace"))
            vector[value % self._dimension] += 1.0 if value >> 63 else -1.0
        length = math.sqrt(math.fsum(x * x for x in vector))
        if not length:
            return [1.0] + [0.0] * (self._dimension - 1)
        return [x / length for x in vector]
