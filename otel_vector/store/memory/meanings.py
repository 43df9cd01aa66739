"""Meanings of one tenant, in memory: their texts, and the vectors they were given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

from otel_vector.errors import InvalidInputError
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.contract import Hit, MeaningCounts, Nearest
from otel_vector.store.memory.ranking import by_cosine, by_words
from otel_vector.store.models import Model, Models

__all__ = ["MemoryMeanings"]

Space = dict[MeaningId, list[float]]
"""The vectors of one model."""


class MemoryMeanings:
    """Holds the meanings of one tenant."""

    def __init__(self, models: Callable[[], Models], lock: AbstractContextManager[object]) -> None:
        self._models = models
        self._lock = lock
        self._all: dict[MeaningId, Meaning] = {}
        self._spaces: dict[str, Space] = {}

    def add(self, meanings: Iterable[Meaning]) -> None:
        """Take the meanings that are not there yet; they are pending."""
        with self._lock:
            for meaning in meanings:
                self._all.setdefault(meaning.id, meaning)

    def remove(self, ids: Iterable[MeaningId]) -> None:
        """Remove meanings and their vectors."""
        with self._lock:
            for identity in ids:
                self._all.pop(identity, None)
                for space in self._spaces.values():
                    space.pop(identity, None)

    def get(self, ids: Collection[MeaningId]) -> dict[MeaningId, Meaning]:
        """Return the meanings that exist among these ids."""
        with self._lock:
            return {i: self._all[i] for i in ids if i in self._all}

    def operations(self) -> Sequence[Meaning]:
        """Return all `operation` meanings."""
        with self._lock:
            return [m for m in self._all.values() if m.facet is Facet.OPERATION]

    def pending(self, limit: int, model: str = "") -> list[Meaning]:
        """Return meanings without a vector of a model, newest first."""
        with self._lock:
            return self._lacking(self._models().named(model))[:limit]

    def fill(self, vectors: Mapping[MeaningId, Sequence[float]], model: str = "") -> None:
        """Give meanings their vectors of a model."""
        named = self._models().named(model)
        if named is None:
            return
        for vector in vectors.values():
            _check(vector, named)
        with self._lock:
            space = self._spaces.setdefault(named.name, {})
            space.update((i, list(v)) for i, v in vectors.items() if i in self._all)

    def nearest(self, question: Nearest) -> list[Hit]:
        """Return the nearest meanings, best first."""
        with self._lock:
            asked = {i: m for i, m in self._all.items() if _is_asked(m, question)}
            rankings = {
                model.name: by_cosine(_check(vector, model), self._vectors_of(asked, model))
                for model, vector in self._questions(question)
            }
        texts = {i: m.text for i, m in asked.items()}
        words = by_words(question.text or "", texts, question.fusion.min_words)
        hits = _fused(question, asked, rankings, words)
        return sorted(hits, key=lambda hit: hit.score, reverse=True)[: question.limit]

    def _questions(self, question: Nearest) -> list[tuple[Model, Sequence[float]]]:
        """Return each model that answers with the question's vector by it."""
        models, vectors = self._models(), dict(question.vectors)
        if question.vector is not None and models.default is not None:
            vectors[models.default.name] = question.vector
        return [(m, vectors[m.name]) for m in models.current() if m.name in vectors]

    def _vectors_of(
        self, asked: Mapping[MeaningId, Meaning], model: Model
    ) -> dict[MeaningId, list[float]]:
        facets, space = self._models().answered_by(model.name), self._spaces.get(model.name, {})
        return {i: space[i] for i, m in asked.items() if i in space and m.facet in facets}

    def vectors(self, ids: Collection[MeaningId]) -> dict[MeaningId, list[float]]:
        """Return the vectors of those among these ids that have one."""
        with self._lock:
            asked = {i: self._all[i] for i in ids if i in self._all}
            found = [self._vectors_of(asked, model) for model in self._models().current()]
        return {i: list(v) for vectors in found for i, v in vectors.items()}

    def counts(self, model: str | None = None) -> MeaningCounts:
        """Return how many there are and how many are pending."""
        with self._lock:
            models = self._models()
            if model is None:
                lacking = [m for m in self._all.values() if not self._has_vector(m)]
                return MeaningCounts(len(self._all), len(lacking))
            named = models.named(model)
            wanted = models.wanted_by(named.name) if named else frozenset()
            total = sum(meaning.facet in wanted for meaning in self._all.values())
            return MeaningCounts(total, len(self._lacking(named)))

    def keep_only(self, models: Models) -> None:
        """Forget the vectors of models that are no longer among these."""
        with self._lock:
            kept = {model.name for model in models.all()}
            self._spaces = {name: s for name, s in self._spaces.items() if name in kept}

    def _lacking(self, model: Model | None) -> list[Meaning]:
        if model is None:
            return []
        wanted, space = self._models().wanted_by(model.name), self._spaces.get(model.name, {})
        newest = reversed(self._all.items())
        return [m for i, m in newest if i not in space and m.facet in wanted]

    def _has_vector(self, meaning: Meaning) -> bool:
        model = self._models().of(meaning.facet)
        return model is not None and meaning.id in self._spaces.get(model.name, {})


def _check(vector: Sequence[float], model: Model) -> Sequence[float]:
    """Return a vector that has the length of a model's."""
    if len(vector) != model.dimension:
        raise InvalidInputError(
            f"a vector of {len(vector)} numbers in a space of dimension {model.dimension}; "
            f"embed it with {model.name}"
        )
    return vector


def _is_asked(meaning: Meaning, question: Nearest) -> bool:
    return (not question.facets or meaning.facet in question.facets) and (
        question.within is None or meaning.id in question.within
    )


def _fused(
    question: Nearest,
    asked: Mapping[MeaningId, Meaning],
    rankings: Mapping[str, Mapping[MeaningId, float]],
    words: Sequence[MeaningId],
) -> list[Hit]:
    """Join rankings by vectors, one a model, and one by words by weighted reciprocal ranks."""
    fusion = question.fusion
    cosines = {i: cosine for ranking in rankings.values() for i, cosine in ranking.items()}
    dense = {i: rank for ranking in rankings.values() for rank, i in enumerate(ranking)}
    spaces = {i: model for model, ranking in rankings.items() for i in ranking}
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
            model=spaces.get(i, ""),
        )
        for i in dict.fromkeys((*dense, *sparse))
    ]
