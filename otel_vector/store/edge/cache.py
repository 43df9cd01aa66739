"""Decompressed and parsed blocks, kept while there is room."""

from __future__ import annotations

from collections import OrderedDict
from itertools import repeat
from threading import Lock

from otel_vector.spans.ids import SpanId
from otel_vector.spans.items import Item, items_of
from otel_vector.spans.meanings import Signal

__all__ = ["BlockCache"]

_UNNAMED = SpanId("")
_PARSED_FACTOR = 4  # a parsed message takes some four times its serialised size


class BlockCache:
    """Parsed blocks by (folder, name), least recently used out first."""

    def __init__(self, max_bytes: int) -> None:
        """Hold up to `max_bytes`, counted as parsed size."""
        self._max_bytes = max_bytes
        self._bytes = 0
        self._blocks: OrderedDict[tuple[str, int], tuple[list[Item], int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, int]) -> list[Item] | None:
        """Return a block's items, in order, without ids and meanings; None if not here."""
        with self._lock:
            entry = self._blocks.get(key)
            if entry is None:
                return None
            self._blocks.move_to_end(key)
            return entry[0]

    def parse(self, key: tuple[str, int], signal: Signal, message: bytes) -> list[Item]:
        """Parse a serialised block and keep it."""
        items = items_of(signal, message, repeat(_UNNAMED))
        size = len(message) * _PARSED_FACTOR
        with self._lock:
            if key not in self._blocks:
                self._blocks[key] = (items, size)
                self._bytes += size
            while self._bytes > self._max_bytes and len(self._blocks) > 1:
                self._bytes -= self._blocks.popitem(last=False)[1][1]
        return items
