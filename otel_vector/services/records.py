"""Records as callers describe them: a key, a body, and the texts they are found by.

Secrets leave the body and the texts before anything is stored or embedded. A text becomes
meanings, long ones cut into passages as those of spans are, and gets its vectors by the same
loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from otel_vector.describe.records import meanings_of
from otel_vector.errors import InvalidInputError, NotFoundError, OtelVectorError
from otel_vector.services.cursors import pack_cursor, unpack_cursor
from otel_vector.spans.ids import MeaningId, Tenant
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.contract import Store
from otel_vector.store.drafts import check_collection, check_key, checked
from otel_vector.store.records import Draft, Record, RecordStore

__all__ = [
    "MAX_AT_ONCE",
    "TEXT_FACETS",
    "RecordPage",
    "Records",
    "Refused",
    "ShownRecord",
    "StoredRecord",
]

MAX_AT_ONCE: Final = 1000
"""Records stored in one transaction, and of one page, at most."""

TEXT_FACETS: Final = tuple(facet for facet in Facet if facet not in {Facet.OPERATION, Facet.LOG})
"""Facets of the texts of records; the others belong to spans and to log records."""

_PAGE_BYTES: Final = 8 << 20
_STEP: Final = 32  # records read at once while a page is filled
_MEMBERS: Final = frozenset({"key", "body", "texts"})
_TEXT_MEMBERS: Final = frozenset({"facet", "text"})


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """What became of a record: `created`, `updated` or `unchanged`."""

    key: str
    version: int
    status: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a record was not stored."""

    error: OtelVectorError
    key: str = ""


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """A record, and those of its texts that are known: the ones of its active version."""

    record: Record
    texts: tuple[Meaning, ...]


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Records in the order of keys, and the cursor of the next page; None at the end."""

    records: tuple[Record, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Records:
    """Stores, reads and deletes records.

    Attributes:
        store: where they are.
        redact: returns a text without secrets; JSON stays JSON. Called by any thread.
        passage_chars: characters of a passage of a long text.
        arrived: told after texts came in that may be new.
    """

    store: Store
    redact: Callable[[str], str]
    passage_chars: int
    arrived: Callable[[], None]

    def put(
        self, tenant: Tenant, collection: str, values: Sequence[object]
    ) -> list[StoredRecord | Refused]:
        """Store records, each for itself; return what became of each, in order.

        Args:
            tenant: whose.
            collection: where; comes into being with its first record.
            values: at most `MAX_AT_ONCE` parsed JSON values; an error stands for a value that
                could not be parsed.

        Raises:
            InvalidInputError: the name is none of a collection.
            StorageFullError: the disk is full; nothing was stored.
        """
        check_collection(collection)
        texts: dict[MeaningId, Meaning] = {}
        read = [self._read(tenant, collection, value, texts) for value in values]
        stored = iter(
            self._store(
                self.store.tenant(tenant).records,
                collection,
                [draft for draft in read if isinstance(draft, Draft)],
                texts,
            )
        )
        if texts:
            self.arrived()
        return [one if isinstance(one, Refused) else next(stored) for one in read]

    @staticmethod
    def _store(
        records: RecordStore,
        collection: str,
        drafts: Sequence[Draft],
        texts: Mapping[MeaningId, Meaning],
    ) -> list[StoredRecord]:
        known: dict[str, int] = {}
        for key in {draft.key for draft in drafts}:
            active = records.get(collection, key)
            known[key] = active.version if active else 0
        answers = []
        for record in records.put(collection, drafts, texts) if drafts else ():
            before = known[record.key]
            status = "unchanged" if record.version <= before else "updated"
            status = status if before else "created"
            known[record.key] = record.version
            answers.append(StoredRecord(record.key, record.version, status))
        return answers

    def _read(
        self, tenant: Tenant, collection: str, value: object, texts: dict[MeaningId, Meaning]
    ) -> Draft | Refused:
        """Return what a value describes, its texts added to all; or why it describes nothing."""
        if isinstance(value, OtelVectorError):
            return Refused(value)
        key = value.get("key") if isinstance(value, dict) else None
        try:
            draft, meant = self._draft(tenant, value)
            checked(collection, [draft])
        except OtelVectorError as error:
            return Refused(error, key if isinstance(key, str) else "")
        texts.update(meant)
        return draft

    def _draft(self, tenant: Tenant, value: object) -> tuple[Draft, dict[MeaningId, Meaning]]:
        given = _object(value, _MEMBERS, "a record")
        key, body, texts = given.get("key"), given.get("body", {}), given.get("texts", [])
        if not isinstance(key, str) or not isinstance(body, dict) or not isinstance(texts, list):
            raise InvalidInputError(
                'a record is {"key": text, "body": object, "texts": [{"facet": …, "text": …}, …]}'
            )
        check_key(key)
        if self.redact(key) != key:
            raise InvalidInputError("the key holds what looks like a secret; choose another key")
        meant: dict[MeaningId, Meaning] = {}
        for text in texts:
            meant |= self._meanings(tenant, text)
        return Draft(key, self._redacted(key, body), tuple(meant)), meant

    def _meanings(self, tenant: Tenant, value: object) -> dict[MeaningId, Meaning]:
        given = _object(value, _TEXT_MEMBERS, "a text")
        facet, text = given.get("facet"), given.get("text")
        if facet not in TEXT_FACETS or not isinstance(text, str):
            known = ", ".join(TEXT_FACETS)
            raise InvalidInputError(f"a text has a facet (one of {known}) and a text")
        return meanings_of(tenant, Facet(facet), self.redact(text), self.passage_chars)

    def _redacted(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            text = orjson.dumps(body).decode()
            redacted = self.redact(text)
            return body if redacted == text else dict(orjson.loads(redacted))
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"the body of record {key!r} cannot be kept: {error}"
            ) from error

    def get(
        self, tenant: Tenant, collection: str, key: str, version: int | None = None
    ) -> ShownRecord:
        """Return a version of a record, the active one if none is named.

        Raises:
            NotFoundError: there is none.
        """
        store = self.store.tenant(tenant)
        record = store.records.get(collection, key, version)
        if record is None:
            raise _missing(collection, key, version)
        known = store.meanings.get(record.meanings)
        return ShownRecord(record, tuple(known[i] for i in record.meanings if i in known))

    def versions(self, tenant: Tenant, collection: str, key: str) -> list[Record]:
        """Return every version of a record, the latest first.

        Raises:
            NotFoundError: there is none.
        """
        found = self.store.tenant(tenant).records.versions(collection, key)
        if not found:
            raise _missing(collection, key, None)
        return found

    def page(self, tenant: Tenant, collection: str, limit: int, cursor: str = "") -> RecordPage:
        """Return active records in the order of keys; fewer than asked for if they are large.

        Raises:
            InvalidInputError: the name is none of a collection.
            InvalidQueryError: the cursor cannot be read.
        """
        check_collection(collection)
        identity = f"records\x1f{collection}".encode()
        after = unpack_cursor(tenant, identity, cursor).decode() if cursor else ""
        records = self.store.tenant(tenant).records
        found, size = list[Record](), 0
        more = True
        while more and len(found) < limit and size < _PAGE_BYTES:
            step = min(_STEP, limit - len(found))
            part = records.page(collection, step, after)
            found += part
            size += sum(len(orjson.dumps(record.body)) for record in part)
            more = len(part) == step
            after = part[-1].key if part else after
        following = pack_cursor(tenant, identity, after.encode()) if more else None
        return RecordPage(tuple(found), following)

    def delete(self, tenant: Tenant, collection: str, key: str) -> None:
        """Delete a record with all its versions.

        Raises:
            NotFoundError: there is none.
        """
        if not self.store.tenant(tenant).records.delete(collection, key):
            raise _missing(collection, key, None)

    def collections(self, tenant: Tenant) -> dict[str, int]:
        """Return the collections by name, and how many records each holds."""
        return self.store.tenant(tenant).records.collections()


def _object(value: object, members: frozenset[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInputError(f"{what} is a JSON object, not {type(value).__name__}")
    unknown = sorted(value.keys() - members)
    if unknown:
        raise InvalidInputError(
            f"{what} has no member {unknown[0][:80]!r}; known: {', '.join(sorted(members))}"
        )
    return value


def _missing(collection: str, key: str, version: int | None) -> NotFoundError:
    what = f"record {key!r} in collection {collection!r}"
    return NotFoundError(f"there is no {what}" if version is None else
                         f"there is no version {version} of {what}")  # fmt: skip
