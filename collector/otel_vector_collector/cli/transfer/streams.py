"""Bytes of a file as they were before compression: gzip, zstd or neither, told by content."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import zstandard
from xxhash import xxh3_128

from otel_vector.errors import ConfigError

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["GZIP", "STDIN", "ZSTD", "content_hash", "opened", "plain"]

STDIN: Final = "-"
GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
_CHUNK: Final = 1 << 20
_PACKED: Final = 1 << 13


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
    """Return a reader of the uncompressed bytes.

    It raises EOFError where compressed bytes end too early, after all that could be read.
    """
    head = raw.peek(len(ZSTD))[: len(ZSTD)]
    if head.startswith(GZIP):
        return io.BufferedReader(_Chunks(_gunzipped(raw)), _CHUNK)
    if head == ZSTD:
        return io.BufferedReader(_Chunks(_unzstd(raw)), _CHUNK)
    return raw


class _Chunks(io.RawIOBase):
    """Chunks of bytes as a raw stream; each is handed out before the next is made."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        target = memoryview(buffer).cast("B")
        length = min(len(target), len(self._rest))
        target[:length] = self._rest[:length]
        self._rest = self._rest[length:]
        return length


def _gunzipped(raw: io.BufferedReader) -> Iterator[bytes]:
    unpacked = gzip.GzipFile(fileobj=raw)
    while chunk := unpacked.read1(_CHUNK):
        yield chunk


def _unzstd(raw: io.BufferedReader) -> Iterator[bytes]:
    """Yield the frames' content; a little input at a time bounds what a frame can blow up to."""
    frame, begun = zstandard.ZstdDecompressor().decompressobj(), False
    while packed := raw.read(_PACKED):
        while packed:
            if frame.eof:
                frame = zstandard.ZstdDecompressor().decompressobj()
            begun = True
            yield frame.decompress(packed)
            packed = frame.unused_data if frame.eof else b""
    if begun and not frame.eof:
        raise EOFError("compressed file ended before the end of its frame")


def content_hash(name: str) -> str:
    """Return the identity of a file's bytes, 32 hex digits."""
    hasher = xxh3_128()
    with opened(name) as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()
