"""Plain functions on texts and vectors that every embedder shares."""

from __future__ import annotations

import math
from collections.abc import Iterable

from otel_vector.embed.contract import Vector
from otel_vector.errors import EmbedderUnavailableError

__all__ = ["clean", "unit"]


def clean(text: str, max_chars: int) -> str:
    """Return the start of a text without lone surrogates, which no tokenizer takes."""
    return text[:max_chars].encode("utf-8", "replace").decode("utf-8")


def unit(values: Iterable[float]) -> Vector:
    """Return the vector scaled to length one; the first axis for a vector of length zero.

    Raises:
        EmbedderUnavailableError: a component is not a finite number.
    """
    vector = [float(value) for value in values]
    length = math.sqrt(math.fsum(x * x for x in vector))
    if not math.isfinite(length):
        raise EmbedderUnavailableError("the model returned a vector that is not finite")
    if not length:
        return [1.0] + [0.0] * (len(vector) - 1)
    return [x / length for x in vector]
