"""The meanings of one tenant: one engine shard with a dense and a BM25 vector per point.

::

    id        meaning id
    payload   text, facet, h (checksum of the text), c (created, microseconds), w (BM25 terms),
              service, name, kind, masked for operations
    vectors   bm25 from the start; dense once the embedding loop has filled it

In memory: the checksum of every meaning (so that a known id costs a dictionary look-up and a
collision is noticed), all operations, and the ids that are pending.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, RLock
from time import time_ns
from typing import Any, Final
from zlib import crc32

import qdrant_edge as engine

from otel_vector.spans.ids import MeaningId, meaning_hex
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.contract import Hit, MeaningCounts, Nearest
from otel_vector.store.edge.faults import engine_writing, translated
from otel_vector.store.edge.gate import Gate
from otel_vector.store.edge.nearest import nearest_hits
from otel_vector.store.edge.shelf import open_shelf
from otel_vector.store.reading.terms import document_terms

__all__ = ["EdgeMeanings"]

_CHUNK: Final = 256
_PAGE: Final = 2_000
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Known:
    """What is kept in memory of the meanings."""

    checksums: dict[int, int]
    operations: dict[int, Meaning]
    pending: dict[int, None]  # ordered, oldest first


class EdgeMeanings:
    """Implements `MeaningStore` and takes new meanings from the writer."""

    def __init__(self, folder: Path, dimension: int, gate: Gate, writing: RLock) -> None:
        """Open or create the shard; dimension 0 leaves vectors alone."""
        self._gate = gate
        self._writing = writing
        self._folder = folder
        self._dimension = dimension
        self._lock = Lock()
        self.collisions = 0
        self._shard = open_shelf(folder, dimension)
        self._dirty = True
        self._known = self._load()

    def _load(self) -> _Known:
        known = _Known({}, {}, {})
        for record in self._scroll(None, ["h"]):
            known.checksums[record.id] = record.payload["h"]
        for record in self._scroll(_facet_is([Facet.OPERATION]), True):
            known.operations[record.id] = _meaning(record.id, record.payload)
        without = engine.Filter(must_not=[engine.HasVectorCondition("dense")])
        filter_ = without if self._dimension else None
        waiting = [(r.payload["c"], r.id) for r in self._scroll(filter_, ["c"])]
        known.pending = {number: None for _, number in sorted(waiting)}
        return known

    def _scroll(self, filter_: Any, payload: Any) -> Iterable[Any]:
        offset, more = None, True
        while more:
            request = engine.ScrollRequest(
                offset=offset, limit=_PAGE, filter=filter_, with_payload=payload, with_vector=False
            )
            records, offset = self._shard.scroll(request)
            yield from records
            more = offset is not None

    def add(self, meanings: Iterable[Meaning]) -> None:
        """Store those meanings that are new, as pending."""
        known = self._known.checksums
        new = [m for m in meanings if known.get(m.id) != crc32(m.text.encode("utf-8", "replace"))]
        fresh = [m for m in new if self._is_new(m)]
        for start in range(0, len(fresh), _CHUNK):
            self._gate.step_aside()
            chunk = fresh[start : start + _CHUNK]
            points = [_point(m) for m in chunk]
            self._update(engine.UpdateOperation.upsert_points(points))
            self._remember(chunk)

    def missing(self, ids: Iterable[MeaningId]) -> list[MeaningId]:
        """Return those of some ids that no meaning has."""
        return [i for i in ids if i not in self._known.checksums]

    def _is_new(self, meaning: Meaning) -> bool:
        if meaning.id not in self._known.checksums:
            return True
        self.collisions += 1
        _log.error("two texts share the meaning id %s; the second one is not searchable"
                   " by meaning", meaning_hex(meaning.id))  # fmt: skip
        return False

    def _remember(self, chunk: Sequence[Meaning]) -> None:
        with self._lock:
            for meaning in chunk:
                self._known.checksums[meaning.id] = crc32(meaning.text.encode("utf-8", "replace"))
                self._known.pending[meaning.id] = None
                if meaning.facet is Facet.OPERATION:
                    self._known.operations[meaning.id] = meaning

    def _update(self, operation: engine.UpdateOperation) -> None:
        with engine_writing("writing", self._folder):
            self._shard.update(operation)
        self._dirty = True

    def get(self, ids: Collection[MeaningId]) -> dict[MeaningId, Meaning]:
        """See `MeaningStore`."""
        operations = self._known.operations
        found = {i: operations[i] for i in ids if i in operations}
        others = [i for i in ids if i not in found and i in self._known.checksums]
        if others:
            with self._gate.reading():
                records = self._shard.retrieve(others, True, False)
            found |= {MeaningId(r.id): _meaning(r.id, r.payload) for r in records}
        return found

    def operations(self) -> Sequence[Meaning]:
        """See `MeaningStore`."""
        return list(self._known.operations.values())

    def pending(self, limit: int) -> list[Meaning]:
        """See `MeaningStore`."""
        with self._lock:
            newest = [
                MeaningId(i)
                for i, _ in zip(reversed(self._known.pending), range(limit), strict=False)
            ]
        found = self.get(newest)
        return [found[i] for i in newest if i in found]

    def fill(self, vectors: Mapping[MeaningId, Sequence[float]]) -> None:
        """See `MeaningStore`."""
        with self._writing:
            known = [(i, v) for i, v in vectors.items() if i in self._known.checksums]
            for start in range(0, len(known), _CHUNK):
                self._gate.step_aside()
                self._fill(known[start : start + _CHUNK])

    def _fill(self, chunk: Sequence[tuple[MeaningId, Sequence[float]]]) -> None:
        points = [engine.PointVectors(int(i), {"dense": list(v)}) for i, v in chunk]
        self._update(engine.UpdateOperation.update_vectors(points))
        with self._lock:
            for number, _ in chunk:
                self._known.pending.pop(number, None)

    def nearest(self, question: Nearest) -> list[Hit]:
        """See `MeaningStore`."""
        with self._gate.reading(), translated("searching meanings"):
            found = nearest_hits(self._shard, question, dense=bool(self._dimension))
        texts = self.get([hit.id for hit in found])
        return [
            Hit(texts[hit.id], hit.score, hit.cosine, hit.dense_rank, hit.bm25_rank)
            for hit in found
            if hit.id in texts
        ]

    def vectors(self, ids: Collection[MeaningId]) -> dict[MeaningId, list[float]]:
        """See `MeaningStore`."""
        if not self._dimension:
            return {}
        with self._gate.reading():
            records = self._shard.retrieve([int(i) for i in ids], False, ["dense"])
        return {
            MeaningId(r.id): r.vector["dense"] for r in records if r.vector and "dense" in r.vector
        }

    def counts(self) -> MeaningCounts:
        """See `MeaningStore`."""
        return MeaningCounts(len(self._known.checksums), len(self._known.pending))

    def flush(self) -> None:
        """Make what was added and filled survive power loss."""
        if self._dirty:
            with engine_writing("flushing", self._folder):
                self._shard.flush()
            self._dirty = False

    def close(self) -> None:
        """Flush and release."""
        self.flush()
        self._shard.close()


def _facet_is(facets: Sequence[Facet]) -> engine.Filter:
    values = [str(facet) for facet in facets]
    return engine.Filter(must=[engine.FieldCondition("facet", match=engine.MatchAny(values))])


def _point(meaning: Meaning) -> engine.Point:
    terms = document_terms(meaning.text)
    payload: dict[str, Any] = {
        "text": meaning.text,
        "facet": str(meaning.facet),
        "h": crc32(meaning.text.encode("utf-8", "replace")),
        "c": time_ns() // 1000,
        "w": list(terms.indices),
        "recipe": meaning.recipe,
    }
    if meaning.facet is Facet.OPERATION:
        payload |= {"service": meaning.service, "name": meaning.name, "kind": meaning.kind}
        payload["masked"] = meaning.name_masked
    return engine.Point(int(meaning.id), {"bm25": terms}, payload)


def _meaning(number: int, payload: Mapping[str, Any]) -> Meaning:
    return Meaning(
        id=MeaningId(number),
        facet=Facet(payload["facet"]),
        text=payload["text"],
        service=payload.get("service", ""),
        name=payload.get("name", ""),
        kind=payload.get("kind", 0),
        name_masked=payload.get("masked", False),
        recipe=payload["recipe"],
    )
