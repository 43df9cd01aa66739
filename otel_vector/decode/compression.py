"""Decompression that stops at a limit, so that a bomb costs no more than the limit."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import zstandard

from otel_vector.errors import MalformedError, TooLargeError, UnsupportedMediaError

__all__ = ["ENCODINGS", "decompress"]

_GZIP_BITS = 31
_ZLIB_BITS = 15
_RAW_BITS = -15
_ZLIB_STEP_BYTES = 64 << 10
"""What follows a stream is copied out of its last step, so a step is short."""
_MOST_STREAMS = 10_000
"""Streams in one body; compressors that work in parallel write one for some 100 KiB."""
_ZSTD_WINDOW_BYTES = 128 << 20
_ZSTD_STEP_BYTES = 512
"""Four bytes may stand for a block of 128 KiB: this many expand to 16 MiB at most."""


def decompress(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    """Return the body without its content encoding; the name's case does not matter.

    Raises:
        MalformedError: damaged or truncated.
        TooLargeError: more than `limit_bytes`, before or after.
        UnsupportedMediaError: an encoding that is not spoken here.
    """
    expand = ENCODINGS.get(encoding.strip().lower())
    if expand is None:
        raise UnsupportedMediaError(
            f"content encoding {encoding!r} is not spoken here; use gzip, deflate, zstd or none"
        )
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    try:
        expanded = expand(body, limit_bytes)
    except (zlib.error, zstandard.ZstdError) as error:
        raise MalformedError(f"the body is not valid {encoding}: {error}") from error
    if len(expanded) > limit_bytes:
        raise _too_large(limit_bytes)
    return expanded


def _identity(body: bytes, limit_bytes: int) -> bytes:  # noqa: ARG001 -- one signature for all
    return body


def _gunzip(body: bytes, limit_bytes: int) -> bytes:
    """Expand one or several gzip members."""
    parts: list[bytes] = []
    size = start = members = 0
    while start < len(body) and size <= limit_bytes:
        members += 1
        _check_streams(members)
        part, start = _inflate_one(body, start, _GZIP_BITS, limit_bytes - size)
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _inflate(body: bytes, limit_bytes: int) -> bytes:
    """Expand zlib's format, or without its header what some senders call deflate."""
    try:
        return _inflate_one(body, 0, _ZLIB_BITS, limit_bytes)[0]
    except zlib.error:
        return _inflate_one(body, 0, _RAW_BITS, limit_bytes)[0]


def _inflate_one(body: bytes, start: int, bits: int, limit_bytes: int) -> tuple[bytes, int]:
    """Return at most a byte more than the limit, and where what follows the stream starts."""
    stream = zlib.decompressobj(bits)
    parts: list[bytes] = []
    left = limit_bytes + 1
    while start < len(body) and left and not stream.eof:
        step = body[start : start + _ZLIB_STEP_BYTES]
        parts.append(stream.decompress(step, left))
        left -= len(parts[-1])
        start += len(step) - len(stream.unused_data) - len(stream.unconsumed_tail)
    if not stream.eof and left:
        raise zlib.error("it is truncated")
    return b"".join(parts), start


def _check_streams(number: int) -> None:
    if number > _MOST_STREAMS:
        raise zlib.error(f"it has more than {_MOST_STREAMS} streams; send it as one")


def _unzstd(body: bytes, limit_bytes: int) -> bytes:
    """Expand one or several frames, so little at a time that no step expands to much."""
    expander = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    parts: list[bytes] = []
    size = start = frames = 0
    while start < len(body):
        frames += 1
        _check_streams(frames)
        frame = expander.decompressobj()
        while start < len(body) and not frame.eof and size <= limit_bytes:
            parts.append(frame.decompress(body[start : start + _ZSTD_STEP_BYTES]))
            size += len(parts[-1])
            start += _ZSTD_STEP_BYTES
        if size > limit_bytes:
            break
        if not frame.eof:
            raise zstandard.ZstdError("it is truncated")
        start = min(start, len(body)) - len(frame.unused_data)
    return b"".join(parts)


def _too_large(limit_bytes: int) -> TooLargeError:
    return TooLargeError(
        f"the request is larger than {limit_bytes} bytes (inbox.max_request_bytes), counted "
        "after decompression; send smaller batches"
    )


ENCODINGS: dict[str, Callable[[bytes, int], bytes]] = {
    "": _identity,
    "identity": _identity,
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "zstd": _unzstd,
}
