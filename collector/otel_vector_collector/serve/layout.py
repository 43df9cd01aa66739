"""Where things lie in a data folder, as far as this process's children must know."""

from __future__ import annotations

from pathlib import Path

__all__ = ["inbox_folder", "state_file", "usage_file"]


def inbox_folder(data: Path) -> Path:
    """Return the folder of the inbox, as `otel_vector.wiring` lays it out."""
    return data / "inbox"


def state_file(data: Path) -> Path:
    """Return the file of the state, which holds the API keys."""
    return data / "state.db"


def usage_file(data: Path) -> Path:
    """Return the file in which doors tell each other what of the limits was used."""
    return data / "usage.db"
