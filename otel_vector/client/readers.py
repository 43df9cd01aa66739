"""How answers are read: whole, as events, or in the parts they come in. No input, no output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, TypeVar

import orjson

from otel_vector.errors import PermanentError

__all__ = [
    "EVENTS",
    "JSON",
    "LINES",
    "PROTOBUF",
    "EventReader",
    "PartReader",
    "WholeReader",
    "object_of",
    "read_bytes",
    "read_json",
    "read_nothing",
    "read_text",
]

T = TypeVar("T")

EVENTS: Final = "text/event-stream"
JSON: Final = "application/json"
LINES: Final = "application/x-ndjson"
PROTOBUF: Final = "application/x-protobuf"
_SHOWN: Final = 80  # characters of what is no answer


class WholeReader(Generic[T]):
    """Keeps an answer until it is whole, then hands out what is made of it."""

    def __init__(self, parse: Callable[[bytes], T]) -> None:
        self._parse = parse
        self._parts: list[bytes] = []

    def feed(self, part: bytes) -> Iterator[T]:
        """Keep a part."""
        self._parts.append(part)
        return iter(())

    def end(self) -> Iterator[T]:
        """Hand out the one value.

        Raises:
            PermanentError: it cannot be read as what a collector answers.
        """
        yield self._parse(b"".join(self._parts))


class PartReader:
    """Hands out bytes as they come."""

    def feed(self, part: bytes) -> Iterator[bytes]:
        """Hand out a part."""
        yield part

    def end(self) -> Iterator[bytes]:
        """Hand out nothing more."""
        return iter(())


class EventReader:
    """Hands out the JSON data of server-sent events; comments and other fields are passed over.

    Lines end at LF, as the API writes them: JSON may hold any other character that ends a line
    elsewhere.
    """

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, part: bytes) -> Iterator[Any]:
        """Hand out the events that are whole with this part."""
        *whole, rest = part.split(b"\n")
        for line in whole:
            told = bytes(self._rest) + line
            self._rest.clear()
            if told.startswith(b"data:"):
                yield object_of(told.removeprefix(b"data:"))
        self._rest += rest

    def end(self) -> Iterator[Any]:
        """Hand out nothing more: what is not whole is no event."""
        return iter(())


def read_json() -> WholeReader[Any]:
    """Read one JSON object."""
    return WholeReader(object_of)


def read_text() -> WholeReader[str]:
    """Read text."""
    return WholeReader(lambda content: content.decode("utf-8", "replace"))


def read_bytes() -> WholeReader[bytes]:
    """Read bytes as they stand."""
    return WholeReader(bytes)


def read_nothing() -> WholeReader[None]:
    """Read an answer that says by its status all there is to say."""
    return WholeReader(lambda _: None)


def object_of(content: bytes) -> Any:
    """Return the JSON object that some bytes are.

    Raises:
        PermanentError: they are none.
    """
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        found = None
    if isinstance(found, dict):
        return found
    shown = content[:_SHOWN].decode("utf-8", "replace")
    raise PermanentError(
        f"{shown!r} is not what a collector's API answers; see that the address is that of one"
    )
