"""OTLP messages as files: JSON by line or length-prefixed protobuf, plain, gzip or zstd."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

import zstandard

from otel_vector.errors import ConfigError
from otel_vector_collector.cli.transfer.streams import STDIN

__all__ = ["FORMATS", "sink"]

FORMATS: Final = ("json", "protobuf")


@contextmanager
def sink(name: str, compression: str | None) -> Iterator[IO[bytes]]:
    """Open a file for writing, or stdout for `-`. A file appears whole, under its name, or not.

    Raises:
        ConfigError: it cannot be written.
    """
    with ExitStack() as stack:
        raw: IO[bytes] = sys.stdout.buffer if name == STDIN else stack.enter_context(_new(name))
        if compression == "gzip":
            raw = cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=raw, mode="wb")))
        elif compression == "zstd":
            packer = zstandard.ZstdCompressor(level=3)
            writer = packer.stream_writer(cast("BinaryIO", raw), closefd=False)
            raw = cast("IO[bytes]", stack.enter_context(writer))
        yield raw
        raw.flush()


@contextmanager
def _new(name: str) -> Iterator[IO[bytes]]:
    target = Path(name)
    part = target.with_name(f"{target.name}.part")
    try:
        file = part.open("wb")
    except OSError as error:
        raise ConfigError(f"{name} cannot be written: {error.strerror}") from error
    try:
        with file:
            yield file
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
