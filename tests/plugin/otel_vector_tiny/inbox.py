"""The built-in inbox, with a note of every process that opened it."""

import os
from pathlib import Path

from otel_vector.inbox.sqlite import SqliteInbox
from otel_vector.settings.config import InboxConfig


class TinyInbox(SqliteInbox):
    """Door processes and the engine's process each open it."""

    def __init__(self, path: Path, config: InboxConfig) -> None:
        super().__init__(path, config)
        with (path / "opened-by.txt").open("a") as notes:
            notes.write(f"{os.getpid()}\n")
