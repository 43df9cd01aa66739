"""What `records` answers with; written by `generate.py` from the API's schema."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict, final

__all__ = [
    "CollectionRow",
    "CollectionsAnswer",
    "RecordAnswer",
    "RecordError",
    "RecordText",
    "RecordVersion",
    "RecordsAnswer",
    "StoredAnswer",
    "VersionsAnswer",
]


@final
class CollectionRow(TypedDict):
    """A collection."""

    collection: str
    records: int


@final
class CollectionsAnswer(TypedDict):
    """The collections."""

    collections: list[CollectionRow]


@final
class RecordAnswer(TypedDict):
    """One version of a record with its texts, as far as an active version has them.

    Attributes:
        active: whether it is the version in force.
        created_unix_nano: nanoseconds, a decimal string.
        meanings: ids of its texts, 16 hex digits each.
    """

    collection: str
    key: str
    version: int
    active: bool
    created_unix_nano: str
    body: dict[str, Any]
    meanings: list[str]
    texts: list[RecordText]


@final
class RecordError(TypedDict):
    """Why a record was refused."""

    type: str
    detail: str


@final
class RecordText(TypedDict):
    """A text that a record is found by.

    Attributes:
        id: id of the meaning, 16 hex digits.
    """

    id: str
    facet: str
    text: str


@final
class RecordVersion(TypedDict):
    """One version of a record.

    Attributes:
        active: whether it is the version in force.
        created_unix_nano: nanoseconds, a decimal string.
        meanings: ids of its texts, 16 hex digits each.
    """

    collection: str
    key: str
    version: int
    active: bool
    created_unix_nano: str
    body: dict[str, Any]
    meanings: list[str]


@final
class RecordsAnswer(TypedDict):
    """Active records in the order of keys.

    Attributes:
        next: cursor of the next page; null at the end.
    """

    records: list[RecordVersion]
    next: str | None


@final
class StoredAnswer(TypedDict):
    """What became of a record: a version and a status, or an error.

    Attributes:
        key: empty if it could not be read.
        line: of lines: its number from 1, blank ones left out.
        status: created, updated or unchanged.
    """

    key: str
    error: NotRequired[RecordError | None]
    line: NotRequired[int | None]
    status: NotRequired[str | None]
    version: NotRequired[int | None]


@final
class VersionsAnswer(TypedDict):
    """Every version of a record, the latest first."""

    versions: list[RecordVersion]
