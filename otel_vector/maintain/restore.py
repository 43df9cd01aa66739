"""A backup becomes a data folder: checked whole, copied beside it, renamed into its place.

::

    check every hash ─▶ copy into DATA.partial ─▶ prepare it ─▶ rename to DATA

`DATA.partial` holds a marker that says whose it is; what a killed restore leaves behind is
removed by the next one, which starts over. So DATA is there whole or not at all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from otel_vector.errors import InvalidInputError, StorageFullError, StoreDamagedError
from otel_vector.maintain.backup import sync_path, verify, writing
from otel_vector.progress import Progress

__all__ = ["restore_backup"]

_MARKER: Final = "restoring"
_CHUNK: Final = 1 << 12  # what file systems leave holes of
_MOVED: Final = {"state": ""}
"""Parts that are not a folder of the data folder: their files lie in it."""


def restore_backup(
    backup: Path, data: Path, progress: Progress, prepare: Callable[[Path], None]
) -> dict[str, Any]:
    """Make a data folder of a backup; return the backup's manifest.

    Args:
        backup: the backup's folder.
        data: what is to be; must not exist, or be empty.
        progress: told bytes.
        prepare: changes the copy before it is in its place.

    Raises:
        InvalidInputError: it is no backup, or `data` is not empty.
        StorageFullError: there is too little room.
        StoreDamagedError: the backup was edited or cut; nothing was made.
        StoreVersionError: a newer version wrote it.
    """
    _require_free(data)
    manifest = verify(backup, progress)
    partial = data.with_name(f"{data.name}.partial")
    with writing(data):
        _begin(partial)
        _copy(backup, partial, manifest["files"], progress)
    prepare(partial)
    with writing(data):
        for folder, _, _ in os.walk(partial):
            sync_path(Path(folder))
        if data.exists():
            data.rmdir()
        partial.rename(data)
        sync_path(data.parent)
        (data / _MARKER).unlink()
    return manifest


def _require_free(data: Path) -> None:
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise InvalidInputError(
            f"{data} is not empty, and nothing is overwritten: restore into a new folder, or "
            "stop what serves this one and move it away first"
        )


def _begin(partial: Path) -> None:
    """Make the folder anew."""
    if partial.exists():
        if any(partial.iterdir()) and not (partial / _MARKER).exists():
            raise InvalidInputError(
                f"{partial} is in the way and no restore made it; move it away first"
            )
        shutil.rmtree(partial)
    partial.mkdir(mode=0o700, parents=True)
    (partial / _MARKER).touch(mode=0o600)
    sync_path(partial)


def _copy(backup: Path, partial: Path, files: Mapping[str, list[Any]], progress: Progress) -> None:
    done, total = 0, sum(size for size, _ in files.values())
    free = shutil.disk_usage(partial).free
    needed = sum((backup / name).stat().st_blocks * 512 for name in files)
    if free < needed:
        raise StorageFullError(
            f"the backup takes {needed >> 20} MiB and there are {free >> 20} MiB free for "
            f"{partial}; make room or restore to another disk"
        )
    for name, (size, digest) in files.items():
        part, _, rest = name.partition("/")
        target = partial / _MOVED.get(part, part) / rest
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _copy_checked(backup / name, target, digest)
        done += size
        progress(done, total, f"restored {name}")


def _copy_checked(source: Path, target: Path, digest: str) -> None:
    """Copy one file, leaving holes where there are only zeros, and check what was read."""
    hasher, zeros = blake2b(digest_size=32), bytes(_CHUNK)
    with source.open("rb") as read, target.open("xb") as write:
        os.fchmod(write.fileno(), 0o600)
        while chunk := read.read(_CHUNK):
            hasher.update(chunk)
            if chunk == zeros[: len(chunk)]:
                write.seek(len(chunk), os.SEEK_CUR)
            else:
                write.write(chunk)
        write.truncate()
        write.flush()
        os.fsync(write.fileno())
    if hasher.hexdigest() != digest:
        raise StoreDamagedError(f"{source} was changed while it was read; use another backup")
