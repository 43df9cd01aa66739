"""An embedder that counts letters."""

import math
from collections import Counter
from collections.abc import Sequence

from otel_vector.embed.contract import Role, Vector
from otel_vector.settings.config import EmbedConfig

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class LetterEmbedder:
    """A dimension for each letter, and one that keeps a text without any off zero."""

    @property
    def model(self) -> str:
        return "tiny-letters"

    @property
    def dimension(self) -> int:
        return len(_LETTERS) + 1

    def embed(self, texts: Sequence[str], role: Role) -> list[Vector]:
        return [_vector(Counter(text.lower())) for text in texts]


def _vector(counts: Counter[str]) -> Vector:
    values = [float(counts[letter]) for letter in _LETTERS] + [0.01]
    length = math.hypot(*values)
    return [value / length for value in values]


def tiny_embedder(config: EmbedConfig) -> LetterEmbedder:
    """Make the embedder; what it can be told is in the settings of `embed`."""
    return LetterEmbedder()
