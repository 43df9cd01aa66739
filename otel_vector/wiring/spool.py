"""The inbox as an application uses it: in its own process, for what waits for a collector.

Nothing of the store is loaded for it, so that an application stays as small as it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from otel_vector.errors import StorageFullError
from otel_vector.inbox.contract import DeadLetters, Inbox, Intake
from otel_vector.inbox.forking import GATE
from otel_vector.settings.config import InboxConfig, Settings
from otel_vector.state.folder import make_folder

__all__ = ["Spool", "open_spool", "spool_in"]


class Spool(Inbox, DeadLetters, Intake, Protocol):
    """An inbox that one process puts into and takes from, and that forks may be made of."""

    def recover(self) -> object:
        """Hand out again what a consumer that is gone had taken and not acked."""
        ...

    def scrub(self) -> object:
        """Give the disk back what was acked."""
        ...

    def is_there(self) -> bool:
        """Return whether its file is still where it was opened."""
        ...

    def waits(self, up_to: int) -> bool:
        """Return whether an envelope waits whose id is `up_to` or less."""
        ...


def open_spool(settings: Settings) -> Spool:
    """Open the built-in inbox of a data folder for an application.

    Raises:
        ConfigError: the folder cannot be made or written.
        StorageFullError: the disk is full, or was so slow that this process was forked in the
            middle of a commit: SQLite cannot be used in it any more.
        StoreDamagedError: its file is not an inbox.
        StoreVersionError: a newer version wrote it.
    """
    if GATE.is_forced:
        raise StorageFullError(
            "this process was forked while the disk did not answer; fork it again, or start it as"
            " a program of its own"
        )
    make_folder(settings.data)
    folder = settings.data / "inbox"
    make_folder(folder)
    return spool_in(folder, settings.inbox)


def spool_in(folder: Path, config: InboxConfig) -> Spool:
    """Open the built-in inbox in a folder of its own; it takes little memory."""
    from otel_vector.inbox.sqlite import SqliteInbox

    return SqliteInbox(folder, config, in_application=True)
