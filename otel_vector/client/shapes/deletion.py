"""What `deletion` answers with; written by `generate.py` from the API's schema."""

from __future__ import annotations

from typing import TypedDict, final

__all__ = ["DeletionAnswer"]


@final
class DeletionAnswer(TypedDict):
    """What was deleted, or would be.

    Attributes:
        traces: how many traces these are of.
        dry_run: only counted; nothing was changed.
    """

    spans: int
    logs: int
    traces: int
    services: list[str]
    dry_run: bool
