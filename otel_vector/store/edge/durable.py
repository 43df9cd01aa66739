"""Names in folders that survive power loss: a rename or removal is durable once its folder is."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["rename_durably", "sync_folder"]


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def rename_durably(source: Path, target: Path) -> None:
    """Rename within one folder; after it returns the new name survives power loss."""
    source.rename(target)
    sync_folder(target.parent)
