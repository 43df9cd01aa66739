"""Records: read, listed, stored, deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from otel_vector.client.call import Call, Paged, encoded, get, given, post
from otel_vector.client.paths import escaped
from otel_vector.client.readers import LINES, object_of, read_nothing
from otel_vector.client.shapes import (
    CollectionsAnswer,
    RecordAnswer,
    RecordsAnswer,
    RecordVersion,
    StoredAnswer,
    VersionsAnswer,
)
from otel_vector.errors import PermanentError

__all__ = [
    "Lots",
    "collections",
    "delete_record",
    "put_record",
    "record",
    "record_versions",
    "records",
]

_MOST_BYTES: Final = 8 << 20
_MOST_LINES: Final = 10_000


def collections() -> Call[CollectionsAnswer]:
    """List the collections."""
    return get("/v1/records")


def records(
    collection: str, limit: int | None = None, cursor: str | None = None
) -> Paged[RecordsAnswer, RecordVersion]:
    """List the records of a collection."""
    page = given({"limit": limit, "cursor": cursor})
    return Paged(page, partial(get, _path(collection)), "records")


def record(collection: str, key: str, version: int | None = None) -> Call[RecordAnswer]:
    """Read a record."""
    return get(_path(collection, key), {"version": version})


def record_versions(collection: str, key: str) -> Call[VersionsAnswer]:
    """Read every version of a record."""
    return get(f"{_path(collection, key)}/versions")


def put_record(collection: str, content: Mapping[str, Any]) -> Call[StoredAnswer]:
    """Store one record; the same again changes nothing."""
    return post(_path(collection), content)


def delete_record(collection: str, key: str) -> Call[None]:
    """Delete a record."""
    return Call("DELETE", _path(collection, key), read_nothing, repeatable=False)


class Lots:
    """Any number of records, put into requests that are small enough to be sent again.

    Args:
        collection: where they are stored.
    """

    def __init__(self, collection: str) -> None:
        self._path = _path(collection)
        self._lines: list[bytes] = []
        self._bytes = 0
        self._before = 0

    def add(self, content: Mapping[str, Any] | bytes) -> Iterator[Call[StoredAnswer]]:
        """Take a record, or lines of JSON as they stand; yield the call for a lot that is full.

        Raises:
            InvalidInputError: it cannot be written as JSON.
        """
        text = content if isinstance(content, bytes) else encoded(content)
        lines = [line for line in text.split(b"\n") if line.strip()]
        self._lines += lines
        self._bytes += len(text)
        if self._bytes >= _MOST_BYTES or len(self._lines) >= _MOST_LINES:
            yield from self.rest()

    def rest(self) -> Iterator[Call[StoredAnswer]]:
        """Yield the call for what is left, if anything is."""
        if not self._lines:
            return
        reader = partial(_OutcomeReader, self._before, len(self._lines))
        body = b"\n".join([*self._lines, b""])
        self._before += len(self._lines)
        self._lines, self._bytes = [], 0
        yield Call("POST", self._path, reader, body=body, media=LINES, accept=LINES, patient=True)


class _OutcomeReader:
    """Hands out what became of each line of a lot, once all of it is known.

    Args:
        before: lines of earlier lots.
        lines: lines of this one.
    """

    def __init__(self, before: int, lines: int) -> None:
        self._before = before
        self._lines = lines
        self._parts: list[bytes] = []

    def feed(self, part: bytes) -> Iterator[StoredAnswer]:
        self._parts.append(part)
        return iter(())

    def end(self) -> Iterator[StoredAnswer]:
        told: list[StoredAnswer] = [
            object_of(line) for line in b"".join(self._parts).split(b"\n") if line
        ]
        if len(told) != self._lines:
            raise PermanentError(
                f"{len(told)} answers came to {self._lines} records; see that the address is that "
                "of a collector, and store them again: what is there stays as it is"
            )
        for number, outcome in enumerate(told, self._before + 1):
            outcome["line"] = number
            yield outcome


def _path(*parts: str) -> str:
    return "/".join(("/v1/records", *map(escaped, parts)))
