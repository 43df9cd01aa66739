"""Reading many blocks one after the other, some megabytes ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Final, TypeVar

from otel_vector.spans.items import Item

__all__ = ["Matched", "read_ahead"]

_PART_BYTES: Final = 4 << 20  # decompressed bytes read at once, one block at least
_FIRST_BYTES: Final = 256 << 10
_AHEAD: Final = 3  # parts read ahead
_THREADS: Final = 2

Head = TypeVar("Head")
Block = TypeVar("Block")


@dataclass(frozen=True, slots=True)
class Matched:
    """An item that a scan found, and its point's payload."""

    item: Item
    payload: dict[str, Any]


def read_ahead(
    heads: Iterable[Head],
    size: Callable[[Head], int],
    read: Callable[[Sequence[Head]], Iterable[Block]],
) -> Iterator[Block]:
    """Yield blocks in order; threads read and decompress ahead.

    Args:
        heads: the blocks to be read.
        size: returns the decompressed bytes of a block.
        read: reads some blocks; called in a thread.
    """
    parts = list(_parts(heads, size))
    with ThreadPoolExecutor(_THREADS, "scan") as threads:
        ahead = deque(threads.submit(read, part) for part in parts[:_AHEAD])
        try:
            for part in chain(parts[_AHEAD:], repeat(None, len(ahead))):
                ready = ahead.popleft().result()
                if part is not None:
                    ahead.append(threads.submit(read, part))
                yield from ready
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _parts(heads: Iterable[Head], size: Callable[[Head], int]) -> Iterator[list[Head]]:
    """Cut blocks into parts of some megabytes, the first ones less: many scans end with them."""
    part: list[Head] = []
    total, most = 0, _FIRST_BYTES
    for head in heads:
        if part and total + size(head) > most:
            yield part
            part, total, most = [], 0, min(2 * most, _PART_BYTES)
        part.append(head)
        total += size(head)
    if part:
        yield part
