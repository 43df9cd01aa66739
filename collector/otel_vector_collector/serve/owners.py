"""The owner's socket: a unix socket in a folder of mode 0700, by which its owner needs no key.

Who can open it could as well read the data folder's files; so whoever comes in by it is an
administrator of every tenant. Nothing else needs a password of its own, and TLS and client
certificates play no part between a user and the user's own process.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from otel_vector.errors import ConfigError

__all__ = ["owners_socket"]

_PREFIX: Final = "run-"
_NAME: Final = "api.sock"
_LONGEST: Final = 100  # bytes of a unix socket's path, which the kernel bounds at 107


@contextmanager
def owners_socket(data: Path) -> Iterator[tuple[Path, socket.socket]]:
    """Yield the path of a new socket and what listens there; only for who locked the folder.

    What processes that were killed left behind is removed.

    Raises:
        ConfigError: the socket cannot be made.
    """
    for left in data.glob(f"{_PREFIX}*/{_NAME}"):
        shutil.rmtree(left.parent, ignore_errors=True)
    folder = _folder(data)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            path = folder / _NAME
            try:
                listener.bind(str(path))
            except OSError as error:
                raise ConfigError(f"no socket can be made at {path}: {error.strerror}") from error
            listener.listen()
            listener.setblocking(False)
            yield path, listener
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder(data: Path) -> Path:
    """Return a new folder, mode 0700, in the data folder where its path is short enough."""
    tail = f"/{_PREFIX}12345678/{_NAME}"
    inside = len(str(data.absolute()).encode()) < _LONGEST - len(tail)
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=data.absolute() if inside else None))
