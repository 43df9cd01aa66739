"""The mark of a clean stop: left when a store was closed whole, taken away when it is opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from otel_vector.store.edge.durable import sync_folder

__all__ = ["leave_mark", "take_mark"]

_NAME: Final = "clean"


def take_mark(store: Path) -> bool:
    """Take the mark away, durably; return whether there was one, or nothing to be checked."""
    mark = store / _NAME
    if not mark.exists():
        return not any((store / "tenants").glob("*/"))
    mark.unlink()
    sync_folder(store)
    return True


def leave_mark(store: Path) -> None:
    """Leave the mark, durably: everything was closed."""
    file = os.open(store / _NAME, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    sync_folder(store)
