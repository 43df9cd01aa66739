"""Copies of the engine's folders: sparse as they are, and durable before they count.

The engine maps files of 32 MiB that are mostly holes; copied naively they would take their
whole length. It makes the next segment of its log in the background, as `tmp-…`, and renames it
when it is whole: what is copied meanwhile does without it, as after a crash.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Final

from otel_vector.store.edge.durable import sync_folder
from otel_vector.store.edge.faults import translated

__all__ = ["copy_file", "copy_folder"]

_CHUNK: Final = 1 << 20
_UNFINISHED: Final = shutil.ignore_patterns("tmp-*")


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder of the engine's; nobody may write to it meanwhile.

    Args:
        source: the folder.
        target: must not exist; durable when the call returns, its own entry apart.

    Raises:
        StorageFullError: the disk is full; the rest of a copy is left at the target.
    """
    with translated(f"copying {source}"):
        shutil.copytree(source, target, ignore=_UNFINISHED, copy_function=copy_file)
        for folder, _, _ in os.walk(target):
            sync_folder(Path(folder))


def copy_file(source: str | Path, target: str | Path) -> str | Path:
    """Copy one file, holes as holes, and make it durable."""
    with Path(source).open("rb") as read, Path(target).open("xb") as write:
        length = os.fstat(read.fileno()).st_size
        os.ftruncate(write.fileno(), length)
        at = 0
        while (start := _next_data(read.fileno(), at)) is not None:
            at = os.lseek(read.fileno(), start, os.SEEK_HOLE)
            _copy_range(read.fileno(), write.fileno(), start, at)
        os.fsync(write.fileno())
    return target


def _next_data(file: int, at: int) -> int | None:
    """Return where the next stored bytes begin; None if only a hole is left."""
    try:
        return os.lseek(file, at, os.SEEK_DATA)
    except OSError as fault:
        if fault.errno == errno.ENXIO:
            return None
        raise


def _copy_range(read: int, write: int, start: int, end: int) -> None:
    while start < end:
        start += os.pwrite(write, os.pread(read, min(_CHUNK, end - start), start), start)
