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
    size = 0
    while body and size <= limit_bytes:
        part, body = _inflate_one(body, _GZIP_BITS, limit_bytes - size)
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _inflate(body: bytes, limit_bytes: int) -> bytes:
    """Expand zlib's format, or without its header what some senders call deflate."""
    try:
        return _inflate_one(body, _ZLIB_BITS, limit_bytes)[0]
    except zlib.error:
        return _inflate_one(body, _RAW_BITS, limit_bytes)[0]


def _inflate_one(body: bytes, bits: int, limit_bytes: int) -> tuple[bytes, bytes]:
    """Return at most a byte more than the limit, and what follows the stream."""
    stream = zlib.decompressobj(bits)
    expanded = stream.decompress(body, limit_bytes + 1)
    if not stream.eof and len(expanded) <= limit_bytes:
        raise zlib.error("it is truncated")
    return expanded, stream.unused_data


def _unzstd(body: bytes, limit_bytes: int) -> bytes:
    """Expand one or several frames, so little at a time that no step expands to much."""
    expander = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    parts: list[bytes] = []
    size = start = 0
    while start < len(body):
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
