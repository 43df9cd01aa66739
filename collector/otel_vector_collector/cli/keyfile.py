"""A key in a file: how a program that cannot be told one by hand gets its own.

A file that holds a key is never written over by another one: whoever reads it would be refused,
or would go on under a name that is not its own. So what is found there is either left or told.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from otel_vector.errors import ConfigError, InvalidInputError, UnauthenticatedError
from otel_vector.keys.texts import parted

if TYPE_CHECKING:
    from otel_vector.keys.contract import Issued, Key, KeyOrder, Keyring

__all__ = ["held", "require_own", "require_same", "written"]

_OWNER: Final = 0o600
_GROUP: Final = 0o640
_LONGEST: Final = 1024  # bytes; a key has 60


def held(ring: Keyring, file: Path) -> Key | None:
    """Return the key in force that a file holds; None if there is no such file.

    Raises:
        ConfigError: the file cannot be read.
        InvalidInputError: it holds something else, or a key that is not in force here, or
            everybody may use it.
    """
    text = _text(file)
    if text is None:
        return None
    try:
        return ring.authenticate(text)
    except UnauthenticatedError as error:
        raise InvalidInputError(
            f"{file} holds a key that is not in force in this data folder; remove the file to "
            "have another one made"
        ) from error


def require_own(key_id: str, file: Path) -> None:
    """Refuse a file that holds anything but a text of this key; none needs to be there.

    Raises:
        ConfigError: the file cannot be read.
        InvalidInputError: it holds something else, or another key, or everybody may use it.
    """
    text = _text(file)
    parts = None if text is None else parted(text)
    if parts is not None and parts[0] != key_id:
        raise InvalidInputError(f"{file} holds another key than {key_id}; name another file")


def _text(file: Path) -> str | None:
    try:
        with FileIO(file, "rb", opener=_at_once) as opened:
            mode = os.fstat(opened.fileno()).st_mode
            text = opened.read(_LONGEST) if stat.S_ISREG(mode) else b""
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    key = text.decode("utf-8", "replace").strip()
    if parted(key) is None:
        raise InvalidInputError(f"{file} holds something else than a key; name another file")
    if mode & stat.S_IRWXO:
        raise InvalidInputError(
            f"{file} is open to everybody; `chmod o=` it, or remove it and disable its key"
        )
    return key


def _at_once(path: str, flags: int) -> int:
    """Open a file without waiting, as for whoever is to write into a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def require_same(key: Key, order: KeyOrder, file: Path) -> None:
    """Refuse a key that is not what was ordered.

    Raises:
        InvalidInputError: its roles or tenants are others.
    """
    if (key.roles, key.tenants) == (order.roles, order.tenants):
        return
    has = f"{', '.join(sorted(key.roles))} for {', '.join(sorted(key.tenants))}"
    raise InvalidInputError(
        f"{file} holds key {key.id} ({key.name}), which has {has}; remove the file to have "
        "another one made, and disable that key"
    )


def written(file: Path, make: Callable[[], Issued], *, for_group: bool) -> Issued:
    """Make a key and write it to a file, whole or not at all, without a line's end.

    Args:
        file: mode 0600, or 0640.
        make: called once it is clear that the folder can be written.
        for_group: let the file's group read it.

    Raises:
        ConfigError: the file cannot be written; if a key was made by then, nobody has it.
    """
    try:
        handle, part = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    except OSError as error:
        raise ConfigError(_unwritable(file, error)) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            os.fchmod(handle, _GROUP if for_group else _OWNER)
            issued = make()
            opened.write(issued.text)
            opened.flush()
            os.fsync(handle)
        Path(part).replace(file)
    except OSError as error:
        raise ConfigError(_unwritable(file, error)) from error
    finally:
        Path(part).unlink(missing_ok=True)
    return issued


def _unwritable(file: Path, error: OSError) -> str:
    return (
        f"{file} cannot be written by user id {os.getuid()}: {error.strerror}; name a file in a "
        "folder of this user's"
    )
