"""Two plain rankings: cosine of vectors, and BM25 over words."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from operator import mul
from typing import Final

from otel_vector.spans.ids import MeaningId

__all__ = ["by_cosine", "by_words", "words_of"]

_RUN: Final = re.compile(r"[^\W_]+")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SATURATION: Final = 1.2  # k1 of BM25
_LENGTH_WEIGHT: Final = 0.75  # b of BM25
_FILLER: Final = frozenset(
    _RUN.findall(
        "a an and are as at be by did do does for from had has have how i in is it its me my of "
        "on or so that the their this to was we were what when where which who why will with you"
    )
)


def by_cosine(
    vector: Sequence[float], vectors: Mapping[MeaningId, Sequence[float]]
) -> dict[MeaningId, float]:
    """Return every id's cosine, the nearest first."""
    cosines = {identity: _cosine(vector, other) for identity, other in vectors.items()}
    return dict(sorted(cosines.items(), key=lambda pair: pair[1], reverse=True))


def by_words(
    question: str, texts: Mapping[MeaningId, str], min_words: float
) -> tuple[MeaningId, ...]:
    """Return the texts that share enough of the question's content words, best first.

    Args:
        question: the words that are looked for.
        texts: the texts they are looked for in.
        min_words: the share of the question's distinct content words that a text must have.
    """
    wanted = frozenset(words_of(question)) - _FILLER or frozenset(words_of(question))
    counted = {identity: Counter(words_of(text)) for identity, text in texts.items()}
    weights = {word: _rarity(word, counted) for word in wanted}
    mean = sum(c.total() for c in counted.values()) / max(1, len(counted))
    scores = {
        identity: sum(weights[w] * _saturated(words, w, mean) for w in wanted if w in words)
        for identity, words in counted.items()
        if (met := len(wanted & words.keys())) and met >= min_words * len(wanted)
    }
    return tuple(sorted(scores, key=lambda identity: scores[identity], reverse=True))


def words_of(text: str) -> list[str]:
    """Return a text's words in lower case; camelCase and snake_case are taken apart."""
    return [word.lower() for run in _RUN.findall(text) for word in _HUMP.sub(" ", run).split(" ")]


def _cosine(left: Sequence[float], right: Sequence[float]) -> float:
    lengths = math.hypot(*left) * math.hypot(*right)
    return sum(map(mul, left, right)) / lengths if lengths else 0.0


def _rarity(word: str, counted: Mapping[MeaningId, Counter[str]]) -> float:
    having = sum(word in words for words in counted.values())
    return math.log(1 + (len(counted) - having + 0.5) / (having + 0.5))


def _saturated(words: Counter[str], word: str, mean: float) -> float:
    length = 1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * words.total() / mean
    return words[word] * (_SATURATION + 1) / (words[word] + _SATURATION * length)
