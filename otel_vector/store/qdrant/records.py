"""Versioned records of one tenant on the server: a point per version.

A version's point has an id of its own, so of two writers that make the same version at once one
finds that it is taken and makes the next. The highest version is the one in force; older ones
are marked so a moment later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from time import time_ns
from typing import Any, Final

from otel_vector.errors import StoreUnavailableError
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Meaning
from otel_vector.store.drafts import Checked, body_of, checked, is_same
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.forgetting import Forgetting
from otel_vector.store.qdrant.meanings import QdrantMeanings
from otel_vector.store.qdrant.names import uuid_of
from otel_vector.store.qdrant.render import among, holds_text, render
from otel_vector.store.qdrant.values import plain
from otel_vector.store.reading.conditions import equals_any
from otel_vector.store.reading.sums import as_list
from otel_vector.store.records import Draft, Record

__all__ = ["QdrantRecords"]

_TRIES: Final = 20
_PART: Final = 500
_ACTIVE: Final = "record"
_OLD: Final = "version"

Fields = dict[str, Any]


class QdrantRecords:
    """Implements `RecordStore`."""

    def __init__(self, bound: Bound, meanings: QdrantMeanings, forgetting: Forgetting) -> None:
        """Keep a tenant's records."""
        self._bound = bound
        self._meanings = meanings
        self._forgetting = forgetting

    def put(
        self, collection: str, drafts: Sequence[Draft], texts: Mapping[MeaningId, Meaning]
    ) -> list[Record]:
        """See `RecordStore`."""
        ready = checked(collection, drafts)
        self._meanings.add([texts[m] for d in ready for m in d.meanings if m in texts])
        for _ in range(_TRIES):
            latest = self._latest(collection, {d.key for d in ready})
            before = {m for fields in latest.values() for m in as_list(fields.get("m"))}
            stored, new = self._versions(collection, ready, latest)
            if self._inserted(new):
                self._retire(new)
                pointed = {m for draft in ready for m in draft.meanings}
                self._forgetting.collect({MeaningId(m) for m in before | pointed})
                highest = {f["of"]: f["v"] for f in stored}
                return [_record(f, active=f["v"] == highest[f["of"]]) for f in stored]
        raise StoreUnavailableError("these records are being changed by many at once; try again")

    def _latest(self, collection: str, keys: Collection[str]) -> dict[str, Fields]:
        """Return the version in force of each key."""
        found: dict[str, Fields] = {}
        wanted = list(keys)
        for start in range(0, len(wanted), _PART):
            held = [holds_text("of", wanted[start : start + _PART])]
            for fields in self._read(collection, held, (_ACTIVE,)):
                known = found.get(fields["of"])
                if known is None or known["v"] < fields["v"]:
                    found[fields["of"]] = fields
        return found

    def _read(
        self, collection: str, must: Iterable[Any] = (), kinds: Sequence[str] = (_ACTIVE, _OLD)
    ) -> list[Fields]:
        held = [holds_text("kind", kinds), holds_text("group", [collection]), *must]
        return [plain(point.payload) for point in self._bound.scroll("records", held)]

    def _versions(
        self, collection: str, ready: Sequence[Checked], latest: Mapping[str, Fields]
    ) -> tuple[list[Fields], list[Fields]]:
        """Return the version of each draft, and those versions that are new."""
        now, stored, new = dict(latest), [], []
        for draft in ready:
            last = now.get(draft.key)
            if last is None or not _says(last, draft):
                last = {
                    "kind": _ACTIVE,
                    "group": collection,
                    "of": draft.key,
                    "v": last["v"] + 1 if last else 1,
                    "c": time_ns() // 1000,
                    "ns": str(time_ns()),
                    "body": draft.body.decode(),
                    "m": [int(m) for m in draft.meanings],
                }
                now[draft.key] = last
                new.append(last)
            stored.append(last)
        return stored, new

    def _inserted(self, new: Sequence[Fields]) -> bool:
        """Store new versions; whether each is ours."""
        if not new:
            return True
        points = [self._bound.point(self._id(fields), fields) for fields in new]
        self._bound.insert("records", points)
        kept = {
            point.id.uuid.replace("-", ""): plain(point.payload)
            for point in self._bound.these("records", [self._id(fields) for fields in new])
        }
        return all(kept.get(self._id(f), {}).get("ns") == f["ns"] for f in new)

    def _id(self, fields: Fields) -> str:
        return uuid_of(
            "record", self._bound.tenant, fields["group"], fields["of"], str(fields["v"])
        )

    def _retire(self, new: Sequence[Fields]) -> None:
        """Mark the versions before new ones as no longer in force."""
        older = [{**fields, "v": v} for fields in new for v in range(1, fields["v"])]
        ids = [self._id(fields) for fields in older]
        for start in range(0, len(ids), _PART):
            this = [holds_text("kind", [_ACTIVE]), among(ids[start : start + _PART])]
            self._bound.set_fields("records", this, {"kind": _OLD})

    def get(self, collection: str, key: str, version: int | None = None) -> Record | None:
        """See `RecordStore`."""
        found = self.versions(collection, key)
        if version is None:
            return found[0] if found else None
        return next((record for record in found if record.version == version), None)

    def versions(self, collection: str, key: str) -> list[Record]:
        """See `RecordStore`."""
        found = self._read(collection, [holds_text("of", [key])])
        found.sort(key=lambda fields: -fields["v"])
        return [_record(fields, active=at == 0) for at, fields in enumerate(found)]

    def page(self, collection: str, limit: int, after: str = "") -> list[Record]:
        """See `RecordStore`."""
        held = [holds_text("kind", [_ACTIVE]), holds_text("group", [collection])]
        points = self._bound.scroll("records", held, fields=("of",))
        keys = sorted({p.payload["of"].string_value for p in points})
        page = [key for key in keys if key > after][:limit]
        latest = self._latest(collection, page)
        return [_record(latest[key], active=True) for key in page if key in latest]

    def pointing_at(
        self,
        meanings: Collection[MeaningId],
        collections: Collection[str] = (),
        limit: int | None = None,
    ) -> dict[MeaningId, list[Record]]:
        """See `RecordStore`."""
        found: dict[MeaningId, list[Record]] = {}
        wanted = list(meanings)
        for start in range(0, len(wanted), _PART):
            held = render(equals_any("m", wanted[start : start + _PART]))
            for record in self._active(collections, [held]):
                for meaning in set(record.meanings) & set(wanted[start : start + _PART]):
                    found.setdefault(meaning, []).append(record)
        return {meaning: records[:limit] for meaning, records in found.items()}

    def _active(self, collections: Collection[str], must: Sequence[Any] = ()) -> list[Record]:
        """Return active records in the order of collections and keys."""
        held = [holds_text("kind", [_ACTIVE]), *must]
        if collections:
            held.append(holds_text("group", collections))
        latest: dict[tuple[str, str], Fields] = {}
        for point in self._bound.scroll("records", held):
            fields = plain(point.payload)
            place = fields["group"], fields["of"]
            if place not in latest or latest[place]["v"] < fields["v"]:
                latest[place] = fields
        return [_record(latest[place], active=True) for place in sorted(latest)]

    def meanings(self, collections: Collection[str] = ()) -> set[MeaningId]:
        """See `RecordStore`."""
        return {m for record in self._active(collections) for m in record.meanings}

    def delete(self, collection: str, key: str) -> bool:
        """See `RecordStore`."""
        found = self._read(collection, [holds_text("of", [key])])
        if not found:
            return False
        kinds = holds_text("kind", [_ACTIVE, _OLD])
        this = [kinds, holds_text("group", [collection]), holds_text("of", [key])]
        self._bound.delete("records", this)
        suspects = {MeaningId(m) for fields in found for m in as_list(fields.get("m"))}
        self._forgetting.collect(suspects)
        return True

    def collections(self) -> dict[str, int]:
        """See `RecordStore`."""
        counts: dict[str, int] = {}
        for record in self._active(()):
            counts[record.collection] = counts.get(record.collection, 0) + 1
        return counts


def _says(fields: Fields, draft: Checked) -> bool:
    meanings = [MeaningId(m) for m in as_list(fields.get("m"))]
    return is_same(fields["body"].encode(), meanings, draft)


def _record(fields: Fields, *, active: bool) -> Record:
    return Record(
        fields["group"],
        fields["of"],
        fields["v"],
        active=active,
        created_ns=int(fields["ns"]),
        body=body_of(fields["body"].encode()),
        meanings=tuple(MeaningId(m) for m in as_list(fields.get("m"))),
    )
