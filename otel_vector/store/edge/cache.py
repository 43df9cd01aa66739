"""Decompressed and parsed blocks, kept while there is room."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from itertools import accumulate
from threading import Lock
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.spans.ids import SpanId
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Signal

__all__ = ["BlockCache", "ParsedBlock"]

_UNNAMED = SpanId("")
_PARSED_FACTOR = 4  # a parsed message takes some four times its serialised size


class ParsedBlock:
    """One block's message; items are made when they are asked for, without ids and meanings."""

    def __init__(self, signal: Signal, message: bytes) -> None:
        """Parse a serialised TracesData or LogsData."""
        self._signal = signal
        self._scopes = list(_scopes(signal, message))
        self._ends = list(accumulate(len(entries) for _, _, entries in self._scopes))

    def item(self, position: int) -> Item:
        """Return the item at a position of the block."""
        at = bisect_right(self._ends, position)
        resource, scope, entries = self._scopes[at]
        start = self._ends[at - 1] if at else 0
        return Item(_UNNAMED, self._signal, resource, scope, entries[position - start])

    def items(self) -> list[Item]:
        """Return all items, in order."""
        made = []
        for (resource, scope, entries), service in zip(
            self._scopes, _services(self._scopes), strict=True
        ):
            for entry in entries:
                item = Item(_UNNAMED, self._signal, resource, scope, entry)
                item.__dict__["service"] = service  # told once a resource, asked once an item
                made.append(item)
        return made


def _services(scopes: list[tuple[Any, Any, Any]]) -> list[str]:
    """Return the service of each scope's resource."""
    known: dict[int, str] = {}
    for resource, scope, _ in scopes:
        if id(resource) not in known:
            known[id(resource)] = Item(_UNNAMED, Signal.SPANS, resource, scope, None).service
    return [known[id(resource)] for resource, _, _ in scopes]


def _scopes(signal: Signal, message: bytes) -> Iterator[tuple[Any, Any, Any]]:
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
    """Parsed blocks by (folder, name), least recently used out first."""

    def __init__(self, max_bytes: int) -> None:
        """Hold up to `max_bytes`, counted as parsed size."""
        self._max_bytes = max_bytes
        self._bytes = 0
        self._blocks: OrderedDict[tuple[str, int], tuple[ParsedBlock, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, int]) -> ParsedBlock | None:
        """Return a parsed block; None if it is not here."""
        with self._lock:
            entry = self._blocks.get(key)
            if entry is None:
                return None
            self._blocks.move_to_end(key)
            return entry[0]

    def parse(self, key: tuple[str, int], signal: Signal, message: bytes) -> ParsedBlock:
        """Parse a serialised block and keep it."""
        block = ParsedBlock(signal, message)
        size = len(message) * _PARSED_FACTOR
        with self._lock:
            if key not in self._blocks:
                self._blocks[key] = (block, size)
                self._bytes += size
            while self._bytes > self._max_bytes and len(self._blocks) > 1:
                self._bytes -= self._blocks.popitem(last=False)[1][1]
        return block
