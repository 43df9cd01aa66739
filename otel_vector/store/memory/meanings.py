"""Meanings of one tenant, in memory: their texts, and the vectors they were given."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

from otel_vector.errors import InvalidInputError
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.contract import Hit, MeaningCounts, Nearest
from otel_vector.store.memory.ranking import by_cosine, by_words

__all__ = ["MemoryMeanings"]


class MemoryMeanings:
    """Holds the meanings of one tenant."""

    def __init__(self, dimension: int, lock: AbstractContextManager[object]) -> None:
        self._dimension = dimension
        self._lock = lock
        self._all: dict[MeaningId, Meaning] = {}
        self._vectors: dict[MeaningId, list[float]] = {}

    def add(self, meanings: Iterable[Meaning]) -> None:
        """Take the meanings that are not there yet; they are pending."""
        with self._lock:
            for meaning in meanings:
                self._all.setdefault(meaning.id, meaning)

    def get(self, ids: Collection[MeaningId]) -> dict[MeaningId, Meaning]:
        """Return the meanings that exist among these ids."""
        with self._lock:
            return {i: self._all[i] for i in ids if i in self._all}

    def operations(self) -> Sequence[Meaning]:
        """Return all `operation` meanings."""
        with self._lock:
            return [m for m in self._all.values() if m.facet is Facet.OPERATION]

    def pending(self, limit: int) -> list[Meaning]:
        """Return meanings without a vector, newest first."""
        with self._lock:
            return [m for i, m in reversed(self._all.items()) if i not in self._vectors][:limit]

    def fill(self, vectors: Mapping[MeaningId, Sequence[float]]) -> None:
        """Give meanings their vectors."""
        for vector in vectors.values():
            self._check(vector)
        with self._lock:
            self._vectors.update((i, list(v)) for i, v in vectors.items() if i in self._all)

    def nearest(self, question: Nearest) -> list[Hit]:
        """Return the nearest meanings, best first."""
        with self._lock:
            asked = {i: m for i, m in self._all.items() if _is_asked(m, question)}
            vectors = {i: self._vectors[i] for i in asked if i in self._vectors}
        cosines = dict[MeaningId, float]()
        if question.vector is not None:
            self._check(question.vector)
            cosines = by_cosine(question.vector, vectors)
        texts = {i: m.text for i, m in asked.items()}
        words = by_words(question.text or "", texts, question.fusion.min_words)
        hits = _fused(question, asked, cosines, words)
        return sorted(hits, key=lambda hit: hit.score, reverse=True)[: question.limit]

    def vectors(self, ids: Collection[MeaningId]) -> dict[MeaningId, list[float]]:
        """Return the vectors of those among these ids that have one."""
        with self._lock:
            return {i: list(self._vectors[i]) for i in ids if i in self._vectors}

    def counts(self) -> MeaningCounts:
        """Return how many there are and how many are pending."""
        with self._lock:
            return MeaningCounts(len(self._all), len(self._all) - len(self._vectors))

    def _check(self, vector: Sequence[float]) -> None:
        if len(vector) != self._dimension:
            raise InvalidInputError(
                f"a vector of {len(vector)} numbers in a store of dimension {self._dimension}; "
                "use the embedding model this store was made with"
            )


def _is_asked(meaning: Meaning, question: Nearest) -> bool:
    return (not question.facets or meaning.facet in question.facets) and (
        question.within is None or meaning.id in question.within
    )


def _fused(
    question: Nearest,
    asked: Mapping[MeaningId, Meaning],
    cosines: Mapping[MeaningId, float],
    words: Sequence[MeaningId],
) -> list[Hit]:
    """Join two rankings, each best first, by weighted reciprocal ranks."""
    fusion = question.fusion
    dense = {identity: rank for rank, identity in enumerate(cosines)}
    sparse = {identity: rank for rank, identity in enumerate(words)}

    def part(weight: float, rank: int | None) -> float:
        return 0.0 if rank is None else fusion.share(rank, weight)

    return [
        Hit(
            meaning=asked[i],
            score=part(fusion.dense_weight, dense.get(i))
            + part(fusion.bm25_weight, sparse.get(i)),
            cosine=cosines.get(i),
            dense_rank=dense.get(i),
            bm25_rank=sparse.get(i),
        )
        for i in dict.fromkeys((*dense, *sparse))
    ]
