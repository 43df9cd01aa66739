"""Where things lie in a data folder, as far as this process's children must know."""

from __future__ import annotations

from pathlib import Path

__all__ = ["inbox_folder"]


def inbox_folder(data: Path) -> Path:
    """Return the folder of the inbox, as `otel_vector.wiring` lays it out."""
    return data / "inbox"
