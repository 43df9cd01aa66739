"""What reading needs to know of a stored block, wherever it is kept."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["BlockBytes", "cut", "joined"]


@dataclass(frozen=True, slots=True)
class BlockBytes:
    """A stored block: its message, and the end of each of its parts in rows and in bytes."""

    message: bytes
    row_ends: Sequence[int]
    byte_ends: Sequence[int]


def cut(block: BlockBytes, first_row: int, rows: int) -> BlockBytes:
    """Return a run of a block's rows that begins and ends where parts do."""
    first = bisect_right(block.row_ends, first_row) if first_row else 0
    last = bisect_left(block.row_ends, first_row + rows) + 1
    start = block.byte_ends[first - 1] if first else 0
    return BlockBytes(
        block.message[start : block.byte_ends[last - 1]],
        [end - first_row for end in block.row_ends[first:last]],
        [end - start for end in block.byte_ends[first:last]],
    )


def joined(blocks: Sequence[BlockBytes]) -> BlockBytes:
    """Return blocks of one signal as one: repeated fields of serialised messages add up."""
    row_ends: list[int] = []
    byte_ends: list[int] = []
    rows = size = 0
    for block in blocks:
        row_ends += [rows + end for end in block.row_ends]
        byte_ends += [size + end for end in block.byte_ends]
        rows, size = row_ends[-1], byte_ends[-1]
    return BlockBytes(b"".join(block.message for block in blocks), row_ends, byte_ends)
