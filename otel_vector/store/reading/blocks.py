"""What reading needs to know of a stored block, wherever it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["BlockBytes"]


@dataclass(frozen=True, slots=True)
class BlockBytes:
    """A stored block: its message, and the end of each of its parts in rows and in bytes."""

    message: bytes
    row_ends: Sequence[int]
    byte_ends: Sequence[int]
