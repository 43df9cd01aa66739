"""How much an operation's words tell it apart from the others that were found.

Cosines of short texts favour those that say little: `http get` is near everything. The inverse
document frequency of an operation's words among the operations retrieved for the same question
corrects that; it is a property of what is stored, no word list is involved.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from otel_vector.spans.ids import MeaningId

__all__ = ["specificity"]

_WORD = re.compile(r"[^\s:()]+")


def specificity(texts: Mapping[MeaningId, str]) -> dict[MeaningId, float]:
    """Return how specific each text's words are among these texts.

    Args:
        texts: operation texts by id.

    Returns:
        For each, the mean over its distinct words of log(n / texts with the word) / log n,
        which lies between 0 and 1, less the mean of that over all texts.
    """
    words = {meaning: _words(text) for meaning, text in texts.items()}
    holding = Counter(word for held in words.values() for word in held)
    scale = math.log(max(2, len(texts)))
    rarity = {
        meaning: sum(math.log(len(texts) / holding[word]) for word in held)
        / (scale * max(1, len(held)))
        for meaning, held in words.items()
    }
    mean = sum(rarity.values()) / max(1, len(rarity))
    return {meaning: value - mean for meaning, value in rarity.items()}


@lru_cache(maxsize=32_768)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))
