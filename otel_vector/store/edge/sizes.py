"""What files take on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

__all__ = ["disk_bytes"]

_SECTOR_BYTES: Final = 512


def disk_bytes(root: Path) -> int:
    """Return the bytes that files below a folder take; the engine's files are sparse."""
    total = 0
    for folder, _, files in os.walk(root):  # a folder that vanishes meanwhile is passed over
        for name in files:
            try:
                total += os.lstat(f"{folder}/{name}").st_blocks * _SECTOR_BYTES
            except FileNotFoundError:
                continue
    return total
