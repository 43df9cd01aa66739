"""The meanings of one tenant on the server: a text, its BM25 terms, its dense vectors.

::

    id        meaning id
    payload   text, facet, c (created, microseconds), w (BM25 terms), recipe,
              service, name, kind, masked for operations; x (when it was found to be pointed at
              by nothing, microseconds), by which it is gone for every reader
    vectors   bm25 from the start; one of each model once the embedding loop has filled it

A meaning that nothing points at is marked first, and removed when no collector can believe any
more that it is there: each remembers what it has stored for `KNOWN_S` only. Storing it again
takes the mark away.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from threading import Lock
from time import monotonic, time_ns
from typing import Any, Final

from qdrant_client import grpc as pb

from otel_vector.errors import InvalidInputError
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.contract import Hit, MeaningCounts, Nearest
from otel_vector.store.models import Model, Models
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.names import vector_name
from otel_vector.store.qdrant.nearest import nearest_hits
from otel_vector.store.qdrant.operations import Operations
from otel_vector.store.qdrant.render import among, holds_text, point_ids, render
from otel_vector.store.qdrant.texts import meaning_in, meaning_point
from otel_vector.store.reading.conditions import Range

__all__ = ["GONE", "KNOWN_S", "QdrantMeanings"]

KNOWN_S: Final = 60.0
"""How long a process believes that a meaning it has stored is there."""
GONE: Final = render(Range("x", 0.0, None))
"""The condition of the meanings that nothing points at."""
_MOST_KNOWN: Final = 200_000


class QdrantMeanings:
    """Implements `MeaningStore` and takes new meanings from the writer."""

    def __init__(self, bound: Bound, models: Callable[[], Models]) -> None:
        """Keep the meanings of a tenant."""
        self._bound = bound
        self._models = models
        self._operations = Operations(bound, GONE)
        self._lock = Lock()
        self._known: dict[int, float] = {}

    def add(self, meanings: Iterable[Meaning]) -> None:
        """Store those meanings that are not there; they are pending."""
        now = monotonic()
        with self._lock:
            new = [m for m in meanings if self._known.get(m.id, 0.0) < now]
        if not new:
            return
        ids = [int(m.id) for m in new]
        self._bound.drop_fields("meanings", [among(ids), GONE], ["x"])
        created_us = time_ns() // 1000
        points = [meaning_point(self._bound, m, created_us + at) for at, m in enumerate(new)]
        self._bound.insert("meanings", points)
        self._remember(ids, now + KNOWN_S)

    def _remember(self, ids: Iterable[int], until: float) -> None:
        with self._lock:
            if len(self._known) > _MOST_KNOWN:
                self._known = {}
            self._known.update(dict.fromkeys(ids, until))

    def mark(self, ids: Collection[MeaningId]) -> None:
        """Take meanings for gone, to be removed for good later."""
        with self._lock:
            for identity in ids:
                self._known.pop(identity, None)
        numbers = [int(i) for i in ids]
        self._bound.set_fields("meanings", [among(numbers)], {"x": time_ns() // 1000})
        self._operations.forget()

    def get(self, ids: Collection[MeaningId]) -> dict[MeaningId, Meaning]:
        """See `MeaningStore`."""
        points = self._bound.these("meanings", [int(i) for i in ids], without=[GONE])
        return {MeaningId(p.id.num): meaning_in(p) for p in points}

    def operations(self) -> Sequence[Meaning]:
        """See `MeaningStore`."""
        return self._operations.all()

    def pending(self, limit: int, model: str = "") -> list[Meaning]:
        """See `MeaningStore`."""
        named = self._models().named(model)
        if named is None or limit < 1:
            return []
        found = self._bound.ordered(
            "meanings", "c", max(2, limit), newest=True,
            must=[self._of(self._models().wanted_by(named.name))],
            without=[GONE, _has(named)],
        )  # fmt: skip
        return [meaning_in(point) for point in found][:limit]

    def _of(self, facets: Collection[Facet]) -> Any:
        return holds_text("facet", [str(facet) for facet in facets])

    def fill(self, vectors: Mapping[MeaningId, Sequence[float]], model: str = "") -> None:
        """See `MeaningStore`."""
        named = self._models().named(model)
        if named is None or not vectors:
            return
        for vector in vectors.values():
            _check(vector, named)
        ids = [int(i) for i in vectors]
        known = [p.id.num for p in self._bound.these("meanings", ids, fields=())]
        points = [_vectors_of(i, named, vectors[MeaningId(i)]) for i in known]
        for start in range(0, len(points), 256):
            request = pb.UpdatePointVectors(
                collection_name=self._bound.names.of("meanings"), wait=True,
                points=points[start : start + 256], update_filter=self._bound.filter(),
            )  # fmt: skip
            self._bound.connection.call("Points/UpdateVectors", request)

    def nearest(self, question: Nearest) -> list[Hit]:
        """See `MeaningStore`."""
        return nearest_hits(self._bound, self._models(), question, GONE)

    def vectors(self, ids: Collection[MeaningId]) -> dict[MeaningId, list[float]]:
        """See `MeaningStore`."""
        models, found = self._models(), {}
        for model in models.current():
            facets, name = models.answered_by(model.name), vector_name(model)
            points = self._bound.these(
                "meanings", [int(i) for i in ids], [self._of(facets)], [GONE],
                fields=(), vectors=(name,),
            )  # fmt: skip
            for point in points:
                given = point.vectors.vectors.vectors
                if name in given:
                    found[MeaningId(point.id.num)] = _numbers(given[name])
        return found

    def counts(self, model: str | None = None) -> MeaningCounts:
        """See `MeaningStore`."""
        models = self._models()
        if model is not None:
            named = models.named(model)
            if named is None:
                return MeaningCounts(0, 0)
            wanted = [self._of(models.wanted_by(named.name))]
            return MeaningCounts(*self._counted([(wanted, []), (wanted, [_has(named)])]))
        filled_by: list[tuple[list[Any], list[Any]]] = [
            ([self._of(models.answered_by(each.name)), _has(each)], [])
            for each in models.current()
        ]
        total, *filled = self._counted([([], []), *filled_by])
        return MeaningCounts(total, total - sum(filled))

    def _counted(self, asked: Sequence[tuple[list[Any], list[Any]]]) -> list[int]:
        calls = [self._bound.counting("meanings", m, [GONE, *w]) for m, w in asked]
        return [int(a.result.count) for a in self._bound.connection.gather(calls)]

    def all_marked(self, before_us: int) -> list[MeaningId]:
        """Return the meanings that were marked before a time."""
        marked = render(Range("x", 0.0, float(before_us)))
        found = self._bound.scroll("meanings", [marked], fields=())
        return [MeaningId(point.id.num) for point in found]

    def remove(self, ids: Collection[MeaningId], before_us: int) -> None:
        """Remove meanings for good whose mark is older than a time."""
        marked = render(Range("x", 0.0, float(before_us)))
        self._bound.delete("meanings", [among([int(i) for i in ids]), marked])

    def unmark(self, ids: Collection[MeaningId]) -> None:
        """Take marked meanings for present again."""
        self._bound.drop_fields("meanings", [among([int(i) for i in ids])], ["x"])

    def facets_of(self, ids: Collection[MeaningId]) -> dict[MeaningId, Facet]:
        """Return the facets of those that are there."""
        points = self._bound.these(
            "meanings", [int(i) for i in ids], without=[GONE], fields=("facet",)
        )
        return {MeaningId(p.id.num): Facet(p.payload["facet"].string_value) for p in points}


def _has(model: Model) -> Any:
    has = pb.HasVectorCondition(has_vector=vector_name(model))
    return pb.Condition(has_vector=has)


def _vectors_of(identity: int, model: Model, vector: Sequence[float]) -> Any:
    dense = pb.Vector(dense=pb.DenseVector(data=vector))
    named = pb.NamedVectors(vectors={vector_name(model): dense})
    return pb.PointVectors(id=point_ids([identity])[0], vectors=pb.Vectors(vectors=named))


def _numbers(vector: Any) -> list[float]:
    return list(vector.dense.data) or list(vector.data)


def _check(vector: Sequence[float], model: Model) -> None:
    if len(vector) != model.dimension:
        raise InvalidInputError(
            f"a vector of {len(vector)} numbers in a space of dimension {model.dimension};"
            f" embed it with {model.name}"
        )
