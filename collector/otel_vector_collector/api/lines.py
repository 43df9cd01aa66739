"""Newline-delimited JSON from a request of any length: values in batches, in bounded memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import orjson

from otel_vector.errors import InvalidInputError, MalformedError, TooLargeError

__all__ = ["LINE_MEDIA", "MAX_LINE_BYTES", "value_of", "values_in"]

LINE_MEDIA: Final = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl"}
)
"""Media types of JSON in lines."""

MAX_LINE_BYTES: Final = 4 << 20
_BATCH_BYTES: Final = 1 << 20

Batch = list[object]


async def values_in(chunks: AsyncIterator[bytes], most: int) -> AsyncIterator[Batch]:
    """Yield what the lines hold, in order, some at a time; blank lines are passed over.

    A line that cannot be read is an error in its place.

    Args:
        chunks: the body as it comes.
        most: values of a batch.
    """
    batch, size = Batch(), 0
    async for line in _lines(chunks):
        if isinstance(line, bytes):
            if not line.strip():
                continue
            size += len(line)
        batch.append(value_of(line) if isinstance(line, bytes) else line)
        if len(batch) >= most or size >= _BATCH_BYTES:
            yield batch
            batch, size = Batch(), 0
    if batch:
        yield batch


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes | TooLargeError]:
    """Yield each line; of one over the limit an error, its rest is not kept."""
    held, skipping = bytearray(), False  # grows in place, however small the parts come
    async for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            if not skipping:
                yield _bounded(bytes(held) + part)
            held, skipping = bytearray(), False
        if not skipping:
            held += rest
        if len(held) > MAX_LINE_BYTES:
            yield _bounded(bytes(held))
            held, skipping = bytearray(), True
    if held:
        yield _bounded(bytes(held))


def _bounded(line: bytes) -> bytes | TooLargeError:
    if len(line) <= MAX_LINE_BYTES:
        return line
    return TooLargeError(f"a line has at most {MAX_LINE_BYTES:,} bytes; split the record")


def value_of(line: bytes) -> object:
    """Return the JSON value of some bytes, or the error that there is none."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return MalformedError(f"this is no JSON: {error}")
    except RecursionError:
        return InvalidInputError("this JSON is nested too deep")
