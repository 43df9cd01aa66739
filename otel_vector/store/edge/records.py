"""Versioned records of one tenant: a file that is their truth, texts included.

The shelf of meanings only indexes the texts: what it lost with the power is added again when
the tenant is opened. Texts leave the shelf after the transaction that released them; the file
remembers them until a checkpoint has made that last, and a crash between the two is made up
for when the tenant is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from time import time_ns
from typing import Final

from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Meaning
from otel_vector.store.drafts import Checked, checked, is_same
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.faults import require_free_space
from otel_vector.store.edge.record_file import RecordFile
from otel_vector.store.records import Draft, Record

__all__ = ["EdgeRecords"]

_FILE: Final = "records.db"
_CHUNK: Final = 1000

Collect = Callable[[Collection[MeaningId]], object]


class EdgeRecords:
    """Implements `RecordStore`."""

    def __init__(self, data: TenantData, collect: Collect) -> None:
        """Open or create the records of a tenant; call `recover` before any other.

        Args:
            data: the tenant's folder, its lock and its shelf of meanings.
            collect: takes those of some meanings off the shelf that nothing points at; it asks
                `held`.
        """
        self._root = data.root
        self._meanings = data.meanings
        self._writing = data.writing
        self._collect = collect
        self._file = RecordFile(data.root / _FILE)
        self._collected: set[MeaningId] = set()

    def recover(self) -> None:
        """Put texts that the shelf lacks on it, and take off what was released."""
        with self._writing:
            missing = self._meanings.missing(self._file.text_ids())
            for start in range(0, len(missing), _CHUNK):
                self._meanings.add(self._file.texts(missing[start : start + _CHUNK]))
            self._take_off(self._file.released())

    def put(
        self, collection: str, drafts: Sequence[Draft], texts: Mapping[MeaningId, Meaning]
    ) -> list[Record]:
        """See `RecordStore`."""
        ready = checked(collection, drafts)
        require_free_space(self._root)
        with self._writing:
            wanted = {i for draft in ready for i in draft.meanings}
            texts = {**self._meanings.get(wanted - texts.keys()), **texts}
            with self._file.writing():
                before = {draft.key: self._file.active(collection, draft.key) for draft in ready}
                stored = [self._put(collection, draft, texts) for draft in ready]
                touched = {i for row in before.values() if row for i in row[2]}
                released = self._file.release(touched | wanted)
            kept = (wanted & texts.keys()).difference(released)
            self._meanings.add(texts[i] for i in kept)
            self._take_off(released)
            return [self._stored(collection, key, version) for key, version in stored]

    def _put(
        self, collection: str, draft: Checked, texts: Mapping[MeaningId, Meaning]
    ) -> tuple[str, int]:
        active = self._file.active(collection, draft.key)
        if active is not None and is_same(active[1], active[2], draft):
            return draft.key, active[0]
        version = active[0] + 1 if active is not None else 1
        row = (version, time_ns(), draft.body)
        self._file.insert(collection, draft.key, row, draft.meanings)
        self._file.add_texts(texts[i] for i in draft.meanings if i in texts)
        return draft.key, version

    def _stored(self, collection: str, key: str, version: int) -> Record:
        record = self._file.record(collection, key, version)
        assert record is not None  # the tenant's lock is held since it was written
        return record

    def _take_off(self, released: Collection[MeaningId]) -> None:
        """Have texts leave the shelf that were released here and are pointed at nowhere else."""
        if released:
            self._collect(released)
            self._collected.update(released)

    def get(self, collection: str, key: str, version: int | None = None) -> Record | None:
        """See `RecordStore`."""
        return self._file.record(collection, key, version)

    def versions(self, collection: str, key: str) -> list[Record]:
        """See `RecordStore`."""
        return self._file.versions(collection, key)

    def page(self, collection: str, limit: int, after: str = "") -> list[Record]:
        """See `RecordStore`."""
        return self._file.page(collection, limit, after)

    def pointing_at(
        self,
        meanings: Collection[MeaningId],
        collections: Collection[str] = (),
        limit: int | None = None,
    ) -> dict[MeaningId, list[Record]]:
        """See `RecordStore`."""
        found: dict[MeaningId, list[Record]] = {}
        for meaning, collection, key in self._file.pointing(meanings, collections):
            records = found.setdefault(meaning, [])
            record = self._file.record(collection, key, None) if len(records) != limit else None
            if record is not None:  # else it was deleted just now
                records.append(record)
        return {meaning: records for meaning, records in found.items() if records}

    def meanings(self, collections: Collection[str] = ()) -> set[MeaningId]:
        """See `RecordStore`."""
        return self._file.meanings(collections)

    def held(self, meanings: Collection[MeaningId]) -> set[MeaningId]:
        """Return those of some meanings that a record points at."""
        return {meaning for meaning, _, _ in self._file.pointing(meanings, ())}

    def delete(self, collection: str, key: str) -> bool:
        """See `RecordStore`."""
        with self._writing:
            with self._file.writing():
                active = self._file.active(collection, key)
                was_there = self._file.delete(collection, key)
                released = self._file.release(active[2] if active else ())
            if was_there:
                self._file.overwrite()
            self._take_off(released)
            return was_there

    def collections(self) -> dict[str, int]:
        """See `RecordStore`."""
        return self._file.counts()

    def written(self) -> bool:
        """Return whether there is a record."""
        return self._file.any()

    def collected(self) -> set[MeaningId]:
        """Return the texts that have left the shelf since `settle` was called last."""
        with self._writing:
            return set(self._collected)

    def settle(self, collected: Collection[MeaningId]) -> None:
        """Forget texts that had left the shelf before it was flushed."""
        if not collected:
            return
        with self._writing:
            with self._file.writing():
                self._file.settle(collected)
            self._collected.difference_update(collected)

    def close(self) -> None:
        """Release the file."""
        self._file.close()
