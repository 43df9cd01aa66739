"""A file of OTLP as a row of units, each of which is good or bad as a whole.

Three layouts, told by the first byte after decompression::

    {  or [      JSON: one request per line; one document over many lines is taken too
    0x0a         a bare TracesData, LogsData or Export…ServiceRequest, read record by record
    else         the Collector's file exporter, format proto (or compressed): 4-byte big-endian
                 length, then that many bytes of protobuf or JSON, perhaps compressed with zstd

A unit's number, from 1, is where a resumed import goes on and what a report names.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import zstandard

from otel_vector.errors import MalformedError, TooLargeError
from otel_vector_collector.cli.transfer.streams import ZSTD

__all__ = ["JSON", "LONGEST_UNIT", "PROTOBUF", "Unit", "units"]

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"
LONGEST_UNIT: Final = 256 << 20
"""Bytes of one line or message; a longer one is refused rather than held in memory."""

_RECORD_TAG: Final = b"\x0a"  # field 1, length-delimited: resource_spans, resource_logs
_SPACE: Final = b" \t\r\n"
_HEAD: Final = 512
# A line feed is also the tag of a record, and `{` may be its length: only what goes on as JSON
# does, and as no record can, is JSON after empty lines.
_JSON_AFTER_SPACE: Final = re.compile(
    rb'[ \t\r\n]+(?:\{[ \t\r\n]*(?:"[A-Za-z_]|\})|\[[ \t\r\n]*[{\]])'
)
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Unit:
    """One line, record or message.

    Attributes:
        number: from 1.
        content_type: `application/json` or `application/x-protobuf`.
        body: its bytes, a whole request.
    """

    number: int
    content_type: str
    body: bytes


def units(stream: io.BufferedReader) -> Iterator[Unit]:
    """Yield the units of an uncompressed stream; empty lines are not units.

    Raises:
        MalformedError: the stream ends within a unit, or is no OTLP file at all.
        TooLargeError: a unit is longer than `LONGEST_UNIT`.
    """
    if stream.peek(3)[:3] == _BYTE_ORDER_MARK:
        stream.read(3)
    head = stream.peek(_HEAD)[:_HEAD]
    blank = not head.strip(_SPACE)
    if blank or head[:1] in {b"{", b"["} or _JSON_AFTER_SPACE.match(head):
        yield from _lines(stream)
    elif head.startswith(_RECORD_TAG):
        yield from _records(stream)
    else:
        yield from _messages(stream)


def _lines(stream: io.BufferedReader) -> Iterator[Unit]:
    number, first = 0, True
    while line := stream.readline(LONGEST_UNIT + 1):
        number += 1
        if len(line) > LONGEST_UNIT:
            raise TooLargeError(f"line {number} is longer than {LONGEST_UNIT} bytes")
        body = line.strip(_SPACE)
        if not body:
            continue
        if first and body in {b"{", b"["}:
            yield Unit(number, JSON, _rest(stream, line))
            return
        first = False
        yield Unit(number, JSON, body)


def _rest(stream: io.BufferedReader, begun: bytes) -> bytes:
    body = begun + stream.read(LONGEST_UNIT)
    if len(body) > LONGEST_UNIT:
        raise TooLargeError(
            f"a JSON document is longer than {LONGEST_UNIT} bytes; write it by line"
        )
    return body


def _records(stream: io.BufferedReader) -> Iterator[Unit]:
    number = 0
    while tag := stream.read(1):
        number += 1
        if tag != _RECORD_TAG:
            raise MalformedError(f"record {number} does not begin as a resource of OTLP does")
        length, prefix = _varint(stream, number)
        body = _exactly(stream, length, f"record {number}")
        yield Unit(number, PROTOBUF, tag + prefix + body)


def _varint(stream: io.BufferedReader, number: int) -> tuple[int, bytes]:
    value, read = 0, b""
    while byte := stream.read(1):
        value |= (byte[0] & 0x7F) << 7 * len(read)
        read += byte
        if byte[0] < 0x80:  # noqa: PLR2004 -- the last byte of a varint
            return value, read
        if len(read) > 5:  # noqa: PLR2004 -- lengths fit 32 bits
            break
    raise MalformedError(f"record {number} has no readable length")


def _messages(stream: io.BufferedReader) -> Iterator[Unit]:
    number = 0
    while prefix := stream.read(4):
        number += 1
        what = f"message {number}"
        if len(prefix) < 4:  # noqa: PLR2004 -- a 32-bit length
            raise MalformedError(f"{what} is cut off within its length")
        body = _exactly(stream, int.from_bytes(prefix, "big"), what)
        if body.startswith(ZSTD):
            body = _unpacked(body, what)
        yield Unit(number, JSON if body.lstrip(_SPACE)[:1] == b"{" else PROTOBUF, body)


def _unpacked(body: bytes, what: str) -> bytes:
    try:
        reader = zstandard.ZstdDecompressor().stream_reader(body)
        plain = reader.read(LONGEST_UNIT + 1)
    except zstandard.ZstdError as error:
        raise MalformedError(f"{what} cannot be decompressed: {error}") from error
    if len(plain) > LONGEST_UNIT:
        raise TooLargeError(f"{what} is longer than {LONGEST_UNIT} bytes once decompressed")
    return plain


def _exactly(stream: io.BufferedReader, length: int, what: str) -> bytes:
    if length > LONGEST_UNIT:
        raise TooLargeError(
            f"{what} says it is {length} bytes long: the file is no OTLP, or was cut before"
        )
    body = stream.read(length)
    if len(body) < length:
        raise MalformedError(f"{what} is cut off: {len(body)} of {length} bytes")
    return body
