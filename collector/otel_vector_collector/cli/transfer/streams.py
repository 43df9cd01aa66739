"""Bytes of a file as they were before compression: gzip, zstd or neither, told by content."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

import zstandard
from xxhash import xxh3_128

from otel_vector.errors import ConfigError

__all__ = ["GZIP", "STDIN", "ZSTD", "content_hash", "opened", "plain"]

STDIN: Final = "-"
GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
_CHUNK: Final = 1 << 20


@contextmanager
def opened(name: str) -> Iterator[io.BufferedReader]:
    """Open a file, or stdin for `-`, as it lies there.

    Raises:
        ConfigError: it cannot be opened.
    """
    if name == STDIN:
        yield cast("io.BufferedReader", sys.stdin.buffer)
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 -- closed below, errors of use pass through
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}") from error
    with file:
        yield file


def plain(raw: io.BufferedReader) -> io.BufferedReader:
    """Return a reader of the uncompressed bytes."""
    head = raw.peek(len(ZSTD))[: len(ZSTD)]
    if head.startswith(GZIP):
        return io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=raw)), _CHUNK)
    if head == ZSTD:
        unpacker = zstandard.ZstdDecompressor()
        stream = unpacker.stream_reader(cast("BinaryIO", raw), read_across_frames=True)
        return io.BufferedReader(cast("io.RawIOBase", stream), _CHUNK)
    return raw


def content_hash(name: str) -> str:
    """Return the identity of a file's bytes, 32 hex digits."""
    hasher = xxh3_128()
    with opened(name) as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()
