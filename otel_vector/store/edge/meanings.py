"""The meanings of one tenant: one engine shard with dense and BM25 vectors.

::

    id        meaning id
    payload   text, facet, h (checksum of the text), c (created, microseconds), w (BM25 terms),
              service, name, kind, masked for operations
    vectors   bm25 from the start; one for each model, once the embedding loop has filled it

In memory: the checksum of every meaning (so that a known id costs a dictionary look-up and a
collision is noticed), all operations, and the ids that are pending.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock, RLock
from time import time_ns
from typing import Any, Final

import qdrant_edge as engine

from otel_vector.errors import StoreDamagedError
from otel_vector.spans.ids import MeaningId, meaning_hex
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.contract import Hit, MeaningCounts, Nearest
from otel_vector.store.edge.faults import engine_writing, translated
from otel_vector.store.edge.gate import Gate
from otel_vector.store.edge.known import Known, checksum
from otel_vector.store.edge.nearest import nearest_hits
from otel_vector.store.edge.repairs import set_aside
from otel_vector.store.edge.shared import Shared
from otel_vector.store.edge.shelf import (
    next_shelf,
    open_shelf,
    point_at,
    remove_leftovers,
    shelf_folder,
    slot_operations,
)
from otel_vector.store.edge.shelved import Shelved
from otel_vector.store.models import Model
from otel_vector.store.reading.fusing import hits_of
from otel_vector.store.reading.terms import document_terms

__all__ = ["EdgeMeanings", "open_meanings"]

_CHUNK: Final = 256
_PAGE: Final = 2_000
_log = logging.getLogger(__name__)


def open_meanings(
    root: Path, shared: Shared, gate: Gate, writing: RLock, *, expected: bool
) -> tuple[EdgeMeanings, str]:
    """Open a tenant's meanings; begin with none if they are damaged, and say why.

    Raises:
        StoreLockedError: another process has them open.
    """
    folder, why = shelf_folder(root), ""
    if folder.exists() or not expected:
        try:
            return EdgeMeanings(root, shared, gate, writing), ""
        except StoreDamagedError as fault:
            why = str(fault).removesuffix("; restore it from a backup")
    why = why or f"{folder} is missing"
    _log.error("%s; the texts are described again from the blocks", why)
    fresh = next_shelf(root)
    set_aside(folder)
    point_at(root, fresh)
    return EdgeMeanings(root, shared, gate, writing), why


class EdgeMeanings:
    """Implements `MeaningStore` and takes new meanings from the writer."""

    def __init__(self, root: Path, shared: Shared, gate: Gate, writing: RLock) -> None:
        """Open or create the shard of meanings in a tenant's folder.

        Raises:
            StoreDamagedError: it cannot be loaded.
            StoreLockedError: another process has it open.
        """
        self._gate = gate
        self._writing = writing
        self._root = root
        self._spaces = shared.spaces
        self._lock = Lock()
        self.collisions = 0
        remove_leftovers(root)
        self._shelf = Shelved(shelf_folder(root), self._spaces.slots(), shared.room.meanings)
        try:
            self._known = self._load()
        except BaseException:  # whatever it is, nobody else could release the shard
            self._shelf.close()
            raise

    def _load(self) -> Known:
        known = Known()
        for record in self._scroll(None, ["h"]):
            known.checksums[record.id] = record.payload["h"]
        for record in self._scroll(_facet_is([Facet.OPERATION]), True):
            known.operations[record.id] = _meaning(record.id, record.payload)
        for model in self._spaces.models.all():
            known.pending[model.name] = self._lacking(model)
        return known

    def _lacking(self, model: Model) -> dict[int, Facet]:
        """Return the meanings that a model is for and has given no vector, oldest first."""
        facets = list(self._spaces.models.wanted_by(model.name))
        without = engine.HasVectorCondition(self._spaces.slot(model.name))
        filter_ = engine.Filter(must=_facet_is(facets).must, must_not=[without])
        found = [(r.payload["c"], r.id, r.payload) for r in self._scroll(filter_, ["c", "facet"])]
        found.sort(key=lambda entry: entry[:2])
        return {number: Facet(payload["facet"]) for _, number, payload in found}

    def _scroll(self, filter_: Any, payload: Any, vectors: Sequence[str] = ()) -> Iterable[Any]:
        offset, more = None, True
        with self._shelf.lease() as shard:
            while more:
                request = engine.ScrollRequest(
                    offset=offset, limit=_PAGE, filter=filter_, with_payload=payload,
                    with_vector=list(vectors) or False,
                )  # fmt: skip
                records, offset = shard.scroll(request)
                yield from records
                more = offset is not None

    def add(self, meanings: Iterable[Meaning]) -> None:
        """Store those meanings that are new, as pending."""
        known = self._known.checksums
        new = [m for m in meanings if known.get(m.id) != checksum(m)]
        fresh = [m for m in new if self._is_new(m)]
        for start in range(0, len(fresh), _CHUNK):
            self._gate.step_aside()
            chunk = fresh[start : start + _CHUNK]
            points = [_point(m) for m in chunk]
            self._shelf.update(engine.UpdateOperation.upsert_points(points))
            with self._lock:
                self._known.add(chunk, self._spaces.models)

    def _is_new(self, meaning: Meaning) -> bool:
        if meaning.id not in self._known.checksums:
            return True
        self.collisions += 1
        _log.error("two texts share the meaning id %s; the second one is not searchable"
                   " by meaning", meaning_hex(meaning.id))  # fmt: skip
        return False

    def remove(self, ids: Collection[MeaningId]) -> None:
        """Remove meanings with their vectors; their bytes are gone after `rewrite`."""
        with self._writing:
            gone = [i for i in ids if i in self._known.checksums]
            for start in range(0, len(gone), _CHUNK):
                self._gate.step_aside()
                chunk = [int(i) for i in gone[start : start + _CHUNK]]
                self._shelf.update(engine.UpdateOperation.delete_points(chunk))
            with self._lock:
                self._known.remove(gone)

    def get(self, ids: Collection[MeaningId]) -> dict[MeaningId, Meaning]:
        """See `MeaningStore`."""
        operations = self._known.operations
        found = {i: operations[i] for i in ids if i in operations}
        others = [i for i in ids if i not in found and i in self._known.checksums]
        if others:
            with self._shelf.lease() as shard, self._gate.reading():
                records = shard.retrieve(others, True, False)
            found |= {MeaningId(r.id): _meaning(r.id, r.payload) for r in records}
        return found

    def operations(self) -> Sequence[Meaning]:
        """See `MeaningStore`."""
        return list(self._known.operations.values())

    def missing(self, ids: Iterable[MeaningId]) -> list[MeaningId]:
        """Return those among the ids that are no meanings here, in order."""
        return [i for i in ids if i not in self._known.checksums]

    def all_ids(self) -> list[MeaningId]:
        """Return the ids of all meanings."""
        with self._lock:
            return [MeaningId(number) for number in self._known.checksums]

    def pending(self, limit: int, model: str = "") -> list[Meaning]:
        """See `MeaningStore`."""
        named = self._spaces.models.named(model)
        with self._lock:
            waiting = self._known.pending.get(named.name, {}) if named else {}
            newest = [MeaningId(i) for i, _ in zip(reversed(waiting), range(limit), strict=False)]
        found = self.get(newest)
        return [found[i] for i in newest if i in found]

    def fill(self, vectors: Mapping[MeaningId, Sequence[float]], model: str = "") -> None:
        """See `MeaningStore`."""
        with self._writing:
            named = self._spaces.models.named(model)
            known = [(i, v) for i, v in vectors.items() if i in self._known.checksums]
            for start in range(0, len(known), _CHUNK) if named else ():
                self._gate.step_aside()
                self._fill(known[start : start + _CHUNK], named.name if named else "")

    def _fill(self, chunk: Sequence[tuple[MeaningId, Sequence[float]]], model: str) -> None:
        slot = self._spaces.slot(model)
        points = [engine.PointVectors(int(i), {slot: list(v)}) for i, v in chunk]
        self._shelf.update(engine.UpdateOperation.update_vectors(points))
        with self._lock:
            waiting = self._known.pending.get(model, {})
            for number, _ in chunk:
                waiting.pop(number, None)

    def nearest(self, question: Nearest) -> list[Hit]:
        """See `MeaningStore`."""
        with self._shelf.lease() as shard, self._gate.reading(), translated("searching meanings"):
            found = nearest_hits(shard, question, self._spaces)
        texts = self.get([hit.id for hit in found])
        return hits_of(found, texts, self._spaces.models)

    def vectors(self, ids: Collection[MeaningId]) -> dict[MeaningId, list[float]]:
        """See `MeaningStore`."""
        models = self._spaces.models
        slots = {f: self._spaces.slot(m.name) for f in Facet if (m := models.of(f)) is not None}
        if not slots:
            return {}
        with self._shelf.lease() as shard, self._gate.reading():
            wanted = list(dict.fromkeys(slots.values()))
            records = shard.retrieve([int(i) for i in ids], ["facet"], wanted)
        found = [(r.id, r.vector or {}, slots[Facet(r.payload["facet"])]) for r in records]
        return {MeaningId(i): vectors[slot] for i, vectors, slot in found if slot in vectors}

    def counts(self, model: str | None = None) -> MeaningCounts:
        """See `MeaningStore`."""
        models = self._spaces.models
        if model is None:
            with self._lock:
                return MeaningCounts(len(self._known.checksums), self._known.waiting(models))
        named = models.named(model)
        if named is None:
            return MeaningCounts(0, 0)
        facets = _facet_is(list(models.wanted_by(named.name)))
        with self._shelf.lease() as shard, self._gate.reading():
            total = shard.count(engine.CountRequest(True, facets))
        return MeaningCounts(total, len(self._known.pending.get(named.name, {})))

    def reform(self) -> None:
        """Follow a change of the store's models: room for new vectors, and what lacks them."""
        with self._writing:
            for operation in slot_operations(self._spaces.slots()):
                self._shelf.update(operation)
            lacking = {m.name: self._lacking(m) for m in self._spaces.models.all()}
            with self._lock:
                self._known.pending = lacking

    def rewrite(self) -> None:
        """Write all meanings into a new shard, so that no file holds what was removed.

        Vectors of models that neither answer nor are coming are left out.
        """
        with self._writing:
            folder = next_shelf(self._root)
            shutil.rmtree(folder, ignore_errors=True)
            self._copy_to(folder)
            old_folder = self._shelf.folder
            shard = open_shelf(folder, self._spaces.slots())
            point_at(self._root, folder)
            self._shelf.replace(folder, shard)
            shutil.rmtree(old_folder, ignore_errors=True)

    def _copy_to(self, folder: Path) -> None:
        slots = [*self._spaces.slots(), "bm25"]
        copy = open_shelf(folder, self._spaces.slots())
        try:
            chunk: list[engine.Point] = []
            for record in self._scroll(None, True, slots):
                chunk.append(engine.Point(record.id, record.vector, record.payload))
                if len(chunk) >= _CHUNK:
                    self._insert_into(copy, folder, chunk)
                    chunk = []
            self._insert_into(copy, folder, chunk)
            with engine_writing("flushing", folder):
                copy.flush()
        finally:
            copy.close()

    def _insert_into(
        self, copy: engine.EdgeShard, folder: Path, chunk: Sequence[engine.Point]
    ) -> None:
        self._gate.step_aside()
        if chunk:
            with engine_writing("writing", folder):
                copy.update(engine.UpdateOperation.upsert_points(list(chunk)))

    def held(self) -> AbstractContextManager[object]:
        """Keep the shard open."""
        return self._shelf.lease()

    def flush(self) -> None:
        """Make what was added and filled survive power loss."""
        self._shelf.flush()

    def close(self) -> None:
        """Flush and release."""
        self._shelf.close()


def _facet_is(facets: Sequence[Facet]) -> engine.Filter:
    values = [str(facet) for facet in facets]
    return engine.Filter(must=[engine.FieldCondition("facet", match=engine.MatchAny(values))])


def _point(meaning: Meaning) -> engine.Point:
    terms = document_terms(meaning.text)
    payload: dict[str, Any] = {
        "text": meaning.text,
        "facet": str(meaning.facet),
        "h": checksum(meaning),
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
