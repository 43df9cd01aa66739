"""Where requests wait for a collector, and the one process that sends them.

::

    ~/.local/state/otel-vector/spool/<destination>/    0700, or the folder that is set
        inbox/          requests, redacted; the dead letters are those that the collector refused
        redact.key      makes the markers of one destination comparable
        sender.lock     held by the process that sends; says whether the collector was away
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from otel_vector.errors import OtelVectorError, StoreDamagedError
from otel_vector.exporter.notices import Notices
from otel_vector.exporter.target import Target
from otel_vector.inbox.forking import close_lock_file, open_lock_file
from otel_vector.settings.config import InboxConfig, Settings
from otel_vector.settings.load import state_home
from otel_vector.wiring import Spool, open_spool

__all__ = ["SenderLock", "open_folder", "set_aside"]

_FREE_BYTES: Final = 64 << 20
_AWAY: Final = b"1"
_ANSWERS: Final = b"0"


def open_folder(settings: Settings, target: Target, notices: Notices) -> tuple[Path, Spool] | None:
    """Open the spool in the first folder that can be used; None if there is none.

    A spool that cannot be read is set aside, since what comes must have a place.
    """
    for place, is_temporary in _places(settings, target):
        found = _opened(place, settings, notices, is_temporary=is_temporary)
        if found is not None:
            if is_temporary:
                notices.warn("folder", "requests wait in %s, which may not last", place)
            return place, found
    return None


def set_aside(place: Path, notices: Notices, is_damaged: Callable[[], bool]) -> None:
    """Move a damaged spool out of the way, unless another process has done it meanwhile.

    Args:
        place: the folder.
        notices: says where it is kept.
        is_damaged: whether what is there now is what was found to be damaged; asked when no
            other process can move it.

    Raises:
        OSError: it cannot be moved.
    """
    turn = open_lock_file(place / "aside.lock")
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if is_damaged():
            kept = place / f"inbox-damaged-{time.time_ns()}"
            (place / "inbox").rename(kept)
            notices.warn(
                "damaged",
                "the spool was damaged; what waited in it is not sent, but kept in %s",
                kept,
            )
    finally:
        close_lock_file(turn)


def _places(settings: Settings, target: Target) -> Iterator[tuple[Path, bool]]:
    if settings.exporter.spool:
        yield Path(settings.exporter.spool).expanduser().absolute(), False
    else:
        home = state_home()
        if home is not None:
            yield home / "otel-vector" / "spool" / target.digest(), False
    temporary = Path(tempfile.gettempdir()) / f"otel-vector-{os.getuid()}"
    if _is_ours(temporary):
        yield temporary / target.digest(), True


def _opened(
    place: Path, settings: Settings, notices: Notices, *, is_temporary: bool
) -> Spool | None:
    advice = "items are dropped" if is_temporary else "set exporter.spool to a folder that can"
    try:
        return _open(place, settings, notices)
    except (OtelVectorError, OSError) as error:
        notices.warn(
            f"folder {place}", "the spool %s cannot be used: %s; %s", place, error, advice
        )
    return None


def _open(place: Path, settings: Settings, notices: Notices) -> Spool:
    most = settings.exporter.spool_max_bytes
    config = InboxConfig(max_bytes=most, min_free_bytes=min(_FREE_BYTES, most // 16))
    held = replace(settings, data=place, inbox=config)
    try:
        return open_spool(held)
    except StoreDamagedError:
        set_aside(place, notices, lambda: _cannot_be_read(held))
        return open_spool(held)


def _cannot_be_read(held: Settings) -> bool:
    try:
        open_spool(held).close()
    except StoreDamagedError:
        return True
    return False


def _is_ours(folder: Path) -> bool:
    """Make a folder that only we can look into, where others could have made one before."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    is_private = not stat.S_IMODE(found.st_mode) & 0o077
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and is_private


class SenderLock:
    """The right to send what waits in a folder, of one process at a time.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, folder: Path) -> None:
        self._file = open_lock_file(folder / "sender.lock")
        self.is_held = False

    def acquire(self) -> bool:
        """Take it if it is free; return whether it is ours."""
        if not self.is_held and not self._file.closed:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            self.is_held = True
        return self.is_held

    def tell(self, *, away: bool) -> None:
        """Tell the processes that do not send whether the last attempt failed."""
        with suppress(OSError):  # on a full disk they wait until their deadlines
            os.pwrite(self._file.fileno(), _AWAY if away else _ANSWERS, 0)

    def told_away(self) -> bool:
        """Return what the process that sends told last."""
        return not self._file.closed and os.pread(self._file.fileno(), 1, 0) == _AWAY

    def close(self) -> None:
        """Let it go."""
        close_lock_file(self._file)
        self.is_held = False
