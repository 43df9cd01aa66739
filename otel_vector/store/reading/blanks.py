"""Taking items out of a stored block: each leaves an empty message, so that positions stand."""

from __future__ import annotations

from collections.abc import Collection
from itertools import accumulate
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.spans.meanings import Signal
from otel_vector.store.reading.blocks import BlockBytes

__all__ = ["blanked"]


def blanked(signal: Signal, block: BlockBytes, positions: Collection[int]) -> BlockBytes | None:
    """Return a block without the items at some positions; None if nothing is left in it.

    What is kept is byte for byte as it was. The headers of a part go with its last item.
    """
    parts, first, start = [], 0, 0
    for end, stop in zip(block.row_ends, block.byte_ends, strict=True):
        within = {at - first for at in positions if first <= at < end}
        part = block.message[start:stop]
        parts.append(_without(signal, part, within) if within else part)
        first, start = end, stop
    if all(_is_empty(signal, part) for part in parts):
        return None
    return BlockBytes(b"".join(parts), block.row_ends, list(accumulate(map(len, parts))))


def _without(signal: Signal, part: bytes, positions: Collection[int]) -> bytes:
    message, items = _parsed(signal, part)
    for at in positions:
        items[at].Clear()
    if not any(item.ByteSize() for item in items):
        message = _only_items(signal, len(items))
    return bytes(message.SerializeToString(deterministic=True))


def _is_empty(signal: Signal, part: bytes) -> bool:
    return not any(item.ByteSize() for item in _parsed(signal, part)[1])


def _parsed(signal: Signal, part: bytes) -> tuple[Any, list[Any]]:
    """Return a part's message and its items, in the order of positions."""
    if signal is Signal.SPANS:
        traces = TracesData.FromString(part)
        return traces, [s for r in traces.resource_spans for c in r.scope_spans for s in c.spans]
    logs = LogsData.FromString(part)
    return logs, [e for r in logs.resource_logs for c in r.scope_logs for e in c.log_records]


def _only_items(signal: Signal, count: int) -> Any:
    """Return a part of so many empty items, without headers."""
    data: Any = TracesData() if signal is Signal.SPANS else LogsData()
    resources = data.resource_spans if signal is Signal.SPANS else data.resource_logs
    scopes = resources.add()
    scope = (scopes.scope_spans if signal is Signal.SPANS else scopes.scope_logs).add()
    items = scope.spans if signal is Signal.SPANS else scope.log_records
    for _ in range(count):
        items.add()
    return data
