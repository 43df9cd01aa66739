"""Decompressed blocks, parsed as far as was asked, kept while there is room."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.spans.ids import SpanId
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Signal
from otel_vector.store.reading.blocks import BlockBytes
from otel_vector.store.reading.needles import BytesTest

__all__ = ["BlockCache", "CachedBlock"]

_UNNAMED = SpanId("")
_PARSED_FACTOR = 2  # a part that is parsed takes some four times its serialised size

_Scope = tuple[Any, Any, Any]
"""A resource message, one of its scope messages, the items of that."""


class CachedBlock:
    """One block; its parts are parsed when an item of theirs is asked for.

    Items come without ids and meanings, which only points know.
    """

    def __init__(self, signal: Signal, block: BlockBytes) -> None:
        """Hold a stored block."""
        self._signal = signal
        self._block = block
        self._parsed: dict[int, list[_Scope]] = {}

    @property
    def message(self) -> bytes:
        """The serialised TracesData or LogsData."""
        return self._block.message

    def item(self, position: int) -> Item:
        """Return the item at a position of the block."""
        part = bisect_right(self._block.row_ends, position)
        left = position - (self._block.row_ends[part - 1] if part else 0)
        for resource, scope, entries in self._part(part):
            if left < len(entries):
                return Item(_UNNAMED, self._signal, resource, scope, entries[left])
            left -= len(entries)
        raise IndexError(f"the block has no item {position}")

    def _part(self, part: int) -> list[_Scope]:
        scopes = self._parsed.get(part)
        if scopes is None:
            start = self._block.byte_ends[part - 1] if part else 0
            data = self._block.message[start : self._block.byte_ends[part]]
            scopes = self._parsed[part] = list(_scopes(self._signal, data))
        return scopes

    def items(
        self, services: frozenset[str] | None = None, may_match: BytesTest | None = None
    ) -> Iterator[tuple[int, Item]]:
        """Yield items with their positions, in order; what is left out is not even parsed.

        Args:
            services: only items of these; None for all.
            may_match: a test of the bytes that hold an item, its resource and its scope; only of
                parts that pass it are items yielded.
        """
        block, row, byte = self._block, 0, 0
        for row_end, byte_end in zip(block.row_ends, block.byte_ends, strict=True):
            data = block.message[byte:byte_end]
            if may_match is None or may_match(data):
                yield from self._of_part(data, row, services)
            row, byte = row_end, byte_end

    def _of_part(
        self, data: bytes, position: int, services: frozenset[str] | None
    ) -> Iterator[tuple[int, Item]]:
        scopes = list(_scopes(self._signal, data))
        for (resource, scope, entries), service in zip(scopes, _services(scopes), strict=True):
            if services is None or service in services:
                for at, entry in enumerate(entries, position):
                    item = Item(_UNNAMED, self._signal, resource, scope, entry)
                    item.__dict__["service"] = service  # told once a resource, asked once an item
                    yield at, item
            position += len(entries)


def _services(scopes: list[_Scope]) -> list[str]:
    """Return the service of each scope's resource."""
    known: dict[int, str] = {}
    for resource, scope, _ in scopes:
        if id(resource) not in known:
            known[id(resource)] = Item(_UNNAMED, Signal.SPANS, resource, scope, None).service
    return [known[id(resource)] for resource, _, _ in scopes]


def _scopes(signal: Signal, message: bytes) -> Iterator[_Scope]:
    """Yield each scope with its resource and its items."""
    if signal is Signal.SPANS:
        for spans in TracesData.FromString(message).resource_spans:
            for scope in spans.scope_spans:
                yield spans, scope, scope.spans
        return
    for logs in LogsData.FromString(message).resource_logs:
        for log_scope in logs.scope_logs:
            yield logs, log_scope, log_scope.log_records


class BlockCache:
    """Blocks by (folder, name), least recently used out first."""

    def __init__(self, max_bytes: int) -> None:
        """Hold up to `max_bytes`, counted with what parsing adds."""
        self._max_bytes = max_bytes
        self._bytes = 0
        self._blocks: OrderedDict[tuple[str, int], CachedBlock] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, int]) -> CachedBlock | None:
        """Return a block; None if it is not here."""
        with self._lock:
            block = self._blocks.get(key)
            if block is not None:
                self._blocks.move_to_end(key)
            return block

    def keep(self, key: tuple[str, int], block: CachedBlock) -> CachedBlock:
        """Keep a block, and return it."""
        with self._lock:
            if key not in self._blocks:
                self._blocks[key] = block
                self._bytes += _size(block)
            while self._bytes > self._max_bytes and len(self._blocks) > 1:
                self._bytes -= _size(self._blocks.popitem(last=False)[1])
        return block

    def drop(self, folder: str) -> None:
        """Forget the blocks of a folder, which were changed or removed."""
        with self._lock:
            for key in [key for key in self._blocks if key[0] == folder]:
                self._bytes -= _size(self._blocks.pop(key))


def _size(block: CachedBlock) -> int:
    return len(block.message) * _PARSED_FACTOR
