"""Versioned records of one tenant, in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from time import time_ns

from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Meaning
from otel_vector.store.drafts import Checked, body_of, checked, is_same
from otel_vector.store.memory.meanings import MemoryMeanings
from otel_vector.store.records import Draft, Record

__all__ = ["MemoryRecords"]


@dataclass(frozen=True, slots=True)
class _Version:
    created_ns: int
    body: bytes
    meanings: tuple[MeaningId, ...]


class MemoryRecords:
    """Implements `RecordStore`: a list of versions for each collection and key."""

    def __init__(
        self,
        meanings: MemoryMeanings,
        lock: AbstractContextManager[object],
        collect: Callable[[Collection[MeaningId]], object],
    ) -> None:
        """Begin empty.

        Args:
            meanings: takes the texts.
            lock: the tenant's, held while anything is read or changed.
            collect: removes those of some meanings that nothing points at; asks `meanings`.
        """
        self._meanings = meanings
        self._lock = lock
        self._collect = collect
        self._all: dict[tuple[str, str], list[_Version]] = {}

    def put(
        self, collection: str, drafts: Sequence[Draft], texts: Mapping[MeaningId, Meaning]
    ) -> list[Record]:
        """See `RecordStore`."""
        ready = checked(collection, drafts)
        with self._lock:
            touched = self.meanings() | {i for draft in ready for i in draft.meanings}
            self._meanings.add(texts[i] for i in texts.keys() & touched)
            stored = [self._put(collection, draft) for draft in ready]
            self._collect(touched - self.meanings())
            return [self._record(collection, key, version) for key, version in stored]

    def _put(self, collection: str, draft: Checked) -> tuple[str, int]:
        versions = self._all.setdefault((collection, draft.key), [])
        last = versions[-1] if versions else None
        if last is None or not is_same(last.body, last.meanings, draft):
            versions.append(_Version(time_ns(), draft.body, draft.meanings))
        return draft.key, len(versions)

    def get(self, collection: str, key: str, version: int | None = None) -> Record | None:
        """See `RecordStore`."""
        with self._lock:
            latest = len(self._all.get((collection, key), ()))
            wanted = latest if version is None else version
            return self._record(collection, key, wanted) if 1 <= wanted <= latest else None

    def versions(self, collection: str, key: str) -> list[Record]:
        """See `RecordStore`."""
        with self._lock:
            latest = len(self._all.get((collection, key), ()))
            return [self._record(collection, key, n) for n in range(latest, 0, -1)]

    def page(self, collection: str, limit: int, after: str = "") -> list[Record]:
        """See `RecordStore`."""
        with self._lock:
            keys = sorted(key for name, key in self._all if name == collection and key > after)
            return [self._active(collection, key) for key in keys[:limit]]

    def pointing_at(
        self,
        meanings: Collection[MeaningId],
        collections: Collection[str] = (),
        limit: int | None = None,
    ) -> dict[MeaningId, list[Record]]:
        """See `RecordStore`."""
        found: dict[MeaningId, list[Record]] = {meaning: [] for meaning in meanings}
        with self._lock:
            for collection, key, last in self._latest(collections):
                for meaning in found.keys() & set(last.meanings):
                    found[meaning].append(self._active(collection, key))
        return {meaning: records[:limit] for meaning, records in found.items() if records}

    def meanings(self, collections: Collection[str] = ()) -> set[MeaningId]:
        """See `RecordStore`."""
        with self._lock:
            return {i for _, _, last in self._latest(collections) for i in last.meanings}

    def delete(self, collection: str, key: str) -> bool:
        """See `RecordStore`."""
        with self._lock:
            versions = self._all.pop((collection, key), None)
            if versions is None:
                return False
            self._collect(set(versions[-1].meanings) - self.meanings())
            return True

    def collections(self) -> dict[str, int]:
        """See `RecordStore`."""
        counts: dict[str, int] = {}
        with self._lock:
            for collection, _ in sorted(self._all):
                counts[collection] = counts.get(collection, 0) + 1
        return counts

    def _latest(self, collections: Collection[str]) -> Iterator[tuple[str, str, _Version]]:
        """Yield the active versions in the order of collections and keys."""
        for (collection, key), versions in sorted(self._all.items()):
            if not collections or collection in collections:
                yield collection, key, versions[-1]

    def _active(self, collection: str, key: str) -> Record:
        return self._record(collection, key, len(self._all[collection, key]))

    def _record(self, collection: str, key: str, number: int) -> Record:
        versions = self._all[collection, key]
        stored = versions[number - 1]
        return Record(
            collection,
            key,
            number,
            active=number == len(versions),
            created_ns=stored.created_ns,
            body=body_of(stored.body),
            meanings=stored.meanings,
        )
