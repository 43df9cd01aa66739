"""What a run of a program is for, as its spans say it."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["RunKind"]


class RunKind(StrEnum):
    """Why a span exists. Only `live` counts in search and statistics by default."""

    LIVE = "live"
    REPLAY = "replay"
    TEST = "test"
    EVAL = "eval"
    SHADOW = "shadow"
    SELF = "self"
