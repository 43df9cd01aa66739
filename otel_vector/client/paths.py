"""Ids and names as parts of a path."""

from __future__ import annotations

from urllib.parse import quote

__all__ = ["escaped"]


def escaped(text: str) -> str:
    """Return a text as one part of a path, whatever it holds."""
    return quote(text, safe="")
