"""The data folder itself: its owner's alone, and the secrets that are made once for it."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from otel_vector.errors import ConfigError, StorageFullError

__all__ = ["make_folder", "once_made_key"]

_KEY_BYTES = 32


def make_folder(path: Path) -> None:
    """Make a folder for its owner only; one that is there already is left as it is.

    Raises:
        ConfigError: it cannot be made or written.
        StorageFullError: the disk is full.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _folder_error(path, error) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigError(f"data: {path} cannot be written; choose another folder with --data")


def _folder_error(path: Path, error: OSError) -> ConfigError | StorageFullError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageFullError(f"the disk is full: {path} cannot be made; make room")
    return ConfigError(
        f"data: {path} cannot be used ({error.strerror}); choose another folder with --data"
    )


def once_made_key(path: Path) -> bytes:
    """Return the folder's key, made once; two processes that make it agree on one.

    Raises:
        ConfigError: the file cannot be read, or is not a key.
        StorageFullError: the disk is full.
    """
    try:
        if not path.exists():
            _write_once(path, secrets.token_bytes(_KEY_BYTES))
        key = path.read_bytes()
    except OSError as error:
        raise _folder_error(path, error) from error
    if len(key) != _KEY_BYTES:
        raise ConfigError(f"{path} does not hold {_KEY_BYTES} bytes; restore it from a backup")
    return key


def _write_once(path: Path, content: bytes) -> None:
    """Write a file durably with mode 0600, unless another process was first."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")  # machines may share a folder
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
