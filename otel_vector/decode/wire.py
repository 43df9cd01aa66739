"""How much a request would take to parse, told from its bytes.

Two bytes of protobuf stand for an empty span, which takes a hundred and more once parsed: a
request within the limit of size could so take gigabytes. Every kind of request has resources in
field 1, scopes in their field 2 and items in theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otel_vector.errors import TooLargeError

__all__ = ["MOST_ITEMS", "check_items", "check_json_objects"]

MOST_ITEMS: Final = 500_000
"""Spans, log records or metrics of one request, with their resources and scopes."""
_MOST_OBJECTS: Final = 4_000_000
"""Objects of one request in JSON; of 64 MiB, OTLP's own take more than 16 bytes each."""
_LEAST_BYTES: Final = 2
_LEVELS: Final = (1, 2, 2)
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED: Final = {_FIXED64: 8, _FIXED32: 4}


def check_items(body: bytes, most: int = MOST_ITEMS) -> None:
    """Refuse a protobuf request of too many items. What cannot be read is left to the parser.

    Raises:
        TooLargeError: there are more than `most`.
    """
    if len(body) > _LEAST_BYTES * most:
        for number, _ in enumerate(_entries(body, 0, len(body), 0)):
            if number >= most:
                raise TooLargeError(
                    f"the request has more than {most} items, each with resource and scope "
                    "counted; send smaller batches"
                )


def check_json_objects(body: bytes, most: int = _MOST_OBJECTS) -> None:
    """Refuse a JSON request of too many objects.

    Raises:
        TooLargeError: there are more than `most`.
    """
    if body.count(b"{") > most:
        raise TooLargeError(f"the request has more than {most} objects; send smaller batches")


def _entries(body: bytes, start: int, end: int, level: int) -> Iterator[None]:
    """Yield once for each entry of a level and for those inside."""
    position = start
    while position < end:
        tag, position = _varint(body, position, end)
        wire = tag & 7
        if wire == _BYTES:
            size, position = _varint(body, position, end)
            if tag >> 3 == _LEVELS[level]:
                yield
                if size and level + 1 < len(_LEVELS):
                    yield from _entries(body, position, min(position + size, end), level + 1)
            position += size
        elif wire == _VARINT:
            _, position = _varint(body, position, end)
        else:  # the start and the end of a group are passed over, what is between is read
            position += _FIXED.get(wire, 0)


def _varint(body: bytes, position: int, end: int) -> tuple[int, int]:
    """Return a number and what follows it; the end of all if it is cut off."""
    value = shift = 0
    while position < end and shift < 64:  # noqa: PLR2004 -- bits of the largest number
        byte = body[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 -- the bit that says that more follows
            return value, position
        shift += 7
    return 0, end
