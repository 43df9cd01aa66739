"""The service map: which service calls which, from the spans themselves.

An edge is a live span whose parent, or the target of one of its links, is a stored live span of
another service. Links with an attribute `otel_vector.…` are of our own making and left out.

Blocks are read once: what the map needs of a span are four numbers, kept by the block's content
for as long as there is room, so that a question over a million spans takes seconds once and then
what reading the blocks takes. Spans are joined to parents and targets by 64-bit keys of trace and
span id. At most `MOST_SPANS` spans are looked at, later partitions first, for at most
`MOST_SECONDS`; the answer says if there were more.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from xxhash import xxh3_64_intdigest

from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import run_kind
from otel_vector.spans.meanings import RunKind, Signal
from otel_vector.store.contract import Store, TenantStore

__all__ = ["MOST_SECONDS", "MOST_SPANS", "Edge", "Map", "ServiceMap"]

MOST_SPANS: Final = 2_000_000
MOST_SECONDS: Final = 20.0

_KEPT_ROWS: Final = 2_000_000
"""Rows of 28 bytes that are kept of all tenants' blocks."""
_OURS: Final = "otel_vector."
_RUN_MARKS: Final = (b"otel_vector.run.kind", b"ov=")
_NO_SPAN: Final = bytes(8)
_ODD: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)

_Keys = NDArray[np.uint64]
_Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """Calls of one service by another: the caller, the called, and how often."""

    parent: str
    child: str
    calls: int


@dataclass(frozen=True, slots=True)
class Map:
    """The edges in the order of names, and whether all spans of the window were looked at."""

    edges: tuple[Edge, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is known of the live spans of some blocks, and of their links: one number each."""

    keys: _Keys
    above: _Keys
    services: _Numbers
    starts_us: _Numbers
    is_span: NDArray[np.bool_]


@dataclass
class ServiceMap:
    """Draws the map of a tenant's services.

    Attributes:
        store: what is stored.
        clock: seconds, for the bound of a reading.
    """

    store: Store
    clock: Callable[[], float] = time.monotonic
    _names: dict[str, int] = field(default_factory=dict)
    _kept: OrderedDict[tuple[Tenant, int], _Rows] = field(default_factory=OrderedDict)
    _kept_rows: int = 0
    _turn: Lock = field(default_factory=Lock)

    def edges(self, tenant: Tenant, since_ns: int, until_ns: int) -> Map:
        """Return the edges whose called span started within a window.

        Args:
            tenant: whose.
            since_ns: earliest start of the called span, nanoseconds.
            until_ns: latest start, inclusive.
        """
        with self._turn:
            parts, whole = self._parts(tenant, since_ns, until_ns)
            counts = _counted(parts, since_ns // 1000, until_ns // 1000)
            names = {number: name for name, number in self._names.items()}
        edges = [
            Edge(names[a], names[b], n) for (a, b), n in counts.items() if names[a] and names[b]
        ]
        return Map(tuple(sorted(edges)), whole)

    def _parts(self, tenant: Tenant, since_ns: int, until_ns: int) -> tuple[list[_Rows], bool]:
        """Return the rows of the partitions that a window touches, and whether those are all."""
        ends_at = self.clock() + MOST_SECONDS
        parts: list[_Rows] = []
        rows = 0
        for part in self._read(tenant, since_ns, until_ns):
            parts.append(part)
            rows += len(part.keys)
            if rows >= MOST_SPANS or self.clock() > ends_at:
                return parts, False
        return parts, True

    def _read(self, tenant: Tenant, since_ns: int, until_ns: int) -> Iterator[_Rows]:
        store: TenantStore = self.store.tenant(tenant)
        for partition in reversed(store.upkeep.partitions()):
            if partition.first_ns <= until_ns and partition.last_ns >= since_ns:
                for block in store.upkeep.blocks(partition.name):
                    if block.signal is Signal.SPANS:
                        yield self._rows(tenant, block.message)

    def _rows(self, tenant: Tenant, message: bytes) -> _Rows:
        key = tenant, xxh3_64_intdigest(message)
        rows = self._kept.get(key)
        if rows is None:
            rows = self._kept[key] = _rows_of(message, self._names)
            self._kept_rows += len(rows.keys)
        self._kept.move_to_end(key)
        while self._kept_rows > _KEPT_ROWS and len(self._kept) > 1:
            self._kept_rows -= len(self._kept.popitem(last=False)[1].keys)
        return rows


def _rows_of(message: bytes, names: dict[str, int]) -> _Rows:
    """Return the rows of a block; a row that is no span stands for a link of one."""
    every_one_lives = not any(mark in message for mark in _RUN_MARKS)
    traces, spans, above_traces, above = [], [], [], []
    services, starts, is_span = [], [], []
    for service, span in _spans(message):
        if not span.span_id or not (every_one_lives or run_kind(span) is RunKind.LIVE):
            continue
        number = names.setdefault(service, len(names))
        trace_id, start_us = span.trace_id, span.start_time_unix_nano // 1000
        ends = [(trace_id, span.parent_span_id or _NO_SPAN, True), *_links(span)]
        for above_trace, above_span, one in ends:
            traces.append(trace_id)
            spans.append(span.span_id)
            above_traces.append(above_trace)
            above.append(above_span)
            services.append(number)
            starts.append(start_us)
            is_span.append(one)
    return _Rows(
        _keys(traces, spans),
        _keys(above_traces, above),
        np.array(services, np.int64),
        np.array(starts, np.int64),
        np.array(is_span, np.bool_),
    )


def _spans(message: bytes) -> Iterator[tuple[str, Any]]:
    """Yield the spans of a block with the names of their services."""
    for resource in TracesData.FromString(message).resource_spans:
        attributes = resource.resource.attributes
        named = (a.value.string_value for a in attributes if a.key == "service.name")
        service = next(named, "")
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield service, span


def _links(span: Any) -> list[tuple[bytes, bytes, bool]]:
    return [
        (link.trace_id, link.span_id, False)
        for link in span.links
        if link.span_id and not any(a.key.startswith(_OURS) for a in link.attributes)
    ]


def _keys(traces: list[bytes], spans: list[bytes]) -> _Keys:
    """Return the key of each span; 0 where there is none."""
    halves = np.frombuffer(b"".join(traces), np.uint64).reshape(-1, 2)
    ids = np.frombuffer(b"".join(spans), np.uint64)
    mixed = halves[:, 0] * np.uint64(_ODD[0]) + halves[:, 1] * np.uint64(_ODD[1])
    mixed = (mixed ^ (mixed >> np.uint64(29))) + ids * np.uint64(_ODD[2])
    mixed ^= mixed >> np.uint64(32)
    return np.where(ids == 0, np.uint64(0), mixed * np.uint64(_ODD[0]))


def _counted(parts: Iterable[_Rows], since_us: int, until_us: int) -> Counter[tuple[int, int]]:
    """Return how often each pair of services calls, by their numbers."""
    parts = list(parts)
    if not parts:
        return Counter()
    keys, above = _joined(parts, "keys"), _joined(parts, "above")
    services, starts = _joined(parts, "services"), _joined(parts, "starts_us")
    is_span = _joined(parts, "is_span")
    known, places = np.unique(keys[is_span], return_index=True)
    callers = services[is_span][places]
    asked = np.flatnonzero((above != 0) & (starts >= since_us) & (starts <= until_us))
    asked = asked[_first_of_each(keys[asked], above[asked])]
    at = np.searchsorted(known, above[asked]).clip(max=len(known) - 1)
    found = known[at] == above[asked]
    caller, called = callers[at[found]], services[asked[found]]
    width = int(services.max()) + 1
    pairs, calls = np.unique((caller * width + called)[caller != called], return_counts=True)
    counted = zip(pairs.tolist(), calls.tolist(), strict=True)
    return Counter({divmod(pair, width): number for pair, number in counted})


def _joined(parts: list[_Rows], name: str) -> Any:
    return np.concatenate([getattr(part, name) for part in parts])


def _first_of_each(keys: _Keys, above: _Keys) -> Any:
    """Return where each pair stands first: a span that was written twice counts once."""
    mixed = keys * np.uint64(_ODD[1]) ^ above
    return np.unique(mixed, return_index=True)[1]
