"""A backup: a folder with a copy of everything, and a manifest with the hash of every file.

::

    TARGET/<time>.partial/   while it is made; what a killed one leaves, the next one removes
    TARGET/<time>/           0700, once its manifest is durable
        backup.json          written last: format, program, counts, size and BLAKE2b of each file
        state/ inbox/ store/ redact.key

State is copied first, then the inbox, then the store. What was accepted is so in the copy of the
inbox or of the store, or in both, and storing it again changes nothing.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from stat import S_ISREG
from time import time_ns
from typing import Any, Final

import orjson

from otel_vector.errors import (
    InvalidInputError,
    StorageFullError,
    StoreDamagedError,
    StoreVersionError,
)
from otel_vector.progress import Progress

__all__ = [
    "FORMAT",
    "MANIFEST",
    "Contents",
    "Part",
    "make_backup",
    "read_manifest",
    "sync_path",
    "verify",
    "writing",
]

FORMAT: Final = 1
"""Version of a backup's layout."""

MANIFEST: Final = "backup.json"
_PARTIAL: Final = ".partial"
_CHUNK: Final = 1 << 20
_ROOM: Final = 64 << 20  # bytes that have to stay free beside the copy


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a backup: the name of its folder, and what copies it into that folder."""

    name: str
    copy: Callable[[Path, Progress], None]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup is made of.

    Attributes:
        data: the data folder.
        parts: copied in this order.
        facts: what the manifest says besides: program, counts, settings.
    """

    data: Path
    parts: Sequence[Part]
    facts: Callable[[], Mapping[str, Any]]


def make_backup(contents: Contents, target: Path, progress: Progress) -> Path:
    """Make a backup in a folder of its own below `target`; return that folder.

    One that fails or is cancelled leaves nothing.

    Raises:
        InvalidInputError: the target lies in the data folder, or cannot be written.
        StorageFullError: there is too little room for it.
    """
    _check_target(contents.data, target)
    with writing(target):
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in target.glob(f"*{_PARTIAL}"):
            if leftover.name[:1].isdigit():
                shutil.rmtree(leftover)
        _require_room(contents.data, target)
        name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        partial = target / f"{name}{_PARTIAL}"
        partial.mkdir(mode=0o700)
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, partial, ignore_errors=True)
            _fill(partial, contents, progress)
            undo.pop_all()
        partial.rename(target / name)
        sync_path(target)
    return target / name


def _fill(partial: Path, contents: Contents, progress: Progress) -> None:
    for part in contents.parts:
        progress(0, None, f"copying the {part.name}")
        (partial / part.name).mkdir(mode=0o700)
        part.copy(partial / part.name, progress)
    _write_manifest(partial, contents.facts(), progress)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a backup's manifest.

    Raises:
        InvalidInputError: the folder is no backup, or one that was cut short.
        StoreDamagedError: the manifest was edited.
        StoreVersionError: a newer version wrote it.
    """
    try:
        found = orjson.loads(_content_of(folder / MANIFEST))
        seal, version = found.pop("seal"), found["format"]
    except FileNotFoundError as error:
        why = "was cut short" if folder.is_dir() else "is not there"
        raise InvalidInputError(
            f"{folder} is no backup, or one that {why}: it has no {MANIFEST}; use another"
        ) from error
    except (ValueError, TypeError, LookupError) as error:
        raise StoreDamagedError(f"{folder / MANIFEST} cannot be read; use another") from error
    if isinstance(version, int) and version > FORMAT:
        raise StoreVersionError(
            f"the backup {folder} has format {version}, this version reads up to {FORMAT}; "
            "restore it with the version of otel-vector that made it, or a newer one"
        )
    if seal != _seal(found) or not _names_files(found):
        raise StoreDamagedError(
            f"{folder / MANIFEST} was edited or is damaged; use another backup"
        )
    return dict(found)


def _names_files(manifest: Mapping[str, Any]) -> bool:
    """Return whether a manifest says size and hash of each file; a seal can be forged."""
    match manifest.get("files"):
        case dict() as files:
            return all(
                isinstance(entry, list) and list(map(type, entry)) == [int, str]
                for entry in files.values()
            )
        case _:
            return False


def _content_of(path: Path) -> bytes:
    """Read a file; what is none, as a pipe, might be read for ever."""
    if not path.is_file():
        raise FileNotFoundError(path)
    return path.read_bytes()


def verify(folder: Path, progress: Progress) -> dict[str, Any]:
    """Compare every file of a backup with its hash; return the manifest.

    Raises:
        StoreDamagedError: a file is missing, was added, edited or cut, or is none; the message
            names it.
    """
    manifest = read_manifest(folder)
    files: dict[str, list[Any]] = manifest["files"]
    present = {str(path.relative_to(folder)) for path in _files(folder)} - {MANIFEST}
    for name in sorted(present):
        if not S_ISREG((folder / name).lstat().st_mode):
            raise StoreDamagedError(
                f"{folder / name} is no file but a link or a device; use another backup"
            )
    for name in sorted(present ^ set(files)):
        what = "is missing in" if name in files else "does not belong to"
        raise StoreDamagedError(f"{name} {what} the backup {folder}; use another backup")
    done, total = 0, sum(size for size, _ in files.values())
    for name, (size, digest) in files.items():
        if (folder / name).stat().st_size != size or _hash_of(folder / name) != digest:
            raise StoreDamagedError(
                f"{folder / name} was edited, cut or damaged since; use another backup"
            )
        done += size
        progress(done, total, f"checked {name}")
    return manifest


def _hash_of(path: Path) -> str:
    """Return the BLAKE2b hash of a file, 64 hex digits."""
    hasher = blake2b(digest_size=32)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()


def _write_manifest(folder: Path, facts: Mapping[str, Any], progress: Progress) -> None:
    files: dict[str, list[Any]] = {}
    paths = list(_files(folder))
    for number, path in enumerate(paths, 1):
        sync_path(path)
        files[str(path.relative_to(folder))] = [path.stat().st_size, _hash_of(path)]
        progress(number, len(paths), f"hashed {path.name}")
    manifest = {"format": FORMAT, "created_unix_nano": str(time_ns()), **facts, "files": files}
    for parent, _, _ in os.walk(folder):
        sync_path(Path(parent))
    path = folder / MANIFEST
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(orjson.dumps(manifest | {"seal": _seal(manifest)}, option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    sync_path(folder)


def _seal(manifest: Mapping[str, Any]) -> str:
    text = orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=32).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir())


def _check_target(data: Path, target: Path) -> None:
    inside, outside = target.resolve(), data.resolve()
    if inside == outside or outside in inside.parents:
        raise InvalidInputError(
            f"the target {target} lies in the data folder {data}, and would be lost with it; "
            "choose a folder outside, best on another disk"
        )


def _require_room(data: Path, target: Path) -> None:
    needed = _bytes_of(data) + _ROOM
    free = shutil.disk_usage(target).free
    if free < needed:
        raise StorageFullError(
            f"a backup takes up to {needed >> 20} MiB and {target} has {free >> 20} MiB free; "
            "make room or choose another disk"
        )


def _bytes_of(data: Path) -> int:
    """Return the bytes on disk of a folder in use: what vanishes meanwhile is not counted."""
    total = 0
    for folder, _, names in os.walk(data):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(f"{folder}/{name}").st_blocks * 512
    return total


def sync_path(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn errors of the file system into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFullError(f"the disk of {target} is full; make room") from error
        raise InvalidInputError(
            f"{error.filename or target} cannot be used for a backup: {error.strerror}; choose "
            "another folder"
        ) from error
