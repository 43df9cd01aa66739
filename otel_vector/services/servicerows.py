"""What the service map needs of a block: a few numbers for each live span, and who keeps them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from sys import getsizeof
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from xxhash import xxh3_64_intdigest

from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import run_kind
from otel_vector.spans.meanings import RunKind

__all__ = ["KeptRows", "Keys", "Numbers", "Rows", "rows_of"]

Keys = NDArray[np.uint64]
Numbers = NDArray[np.int64]

_OURS: Final = "otel_vector."
_RUN_MARKS: Final = (b"otel_vector.run.kind", b"ov=")
_NO_SPAN: Final = bytes(8)
_ROW_BYTES: Final = 33
_ODD: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)


@dataclass(frozen=True, slots=True)
class Rows:
    """What is known of the live spans of a block, and of their links: one number each.

    Attributes:
        names: of the services, which `services` numbers.
        keys: of the spans themselves; 0 for none.
        above: of their parents, or the targets of their links.
        starts_us: their starts.
        is_span: whether it stands for a span; else for a link of one.
    """

    names: tuple[str, ...]
    keys: Keys
    above: Keys
    services: Numbers
    starts_us: Numbers
    is_span: NDArray[np.bool_]

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return _ROW_BYTES * len(self.keys) + sum(map(getsizeof, self.names))


class KeptRows:
    """The rows of the blocks that were asked for last, of all tenants. Threads: any."""

    def __init__(self, most_bytes: int) -> None:
        """Keep up to about so many bytes, and one block at least."""
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[Tenant, int], Rows] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    @property
    def size(self) -> int:
        """About how many bytes are kept."""
        return self._bytes

    def of(self, tenant: Tenant, message: bytes) -> Rows:
        """Return the rows of a tenant's block, read from it unless they are kept."""
        key = tenant, xxh3_64_intdigest(message)
        with self._lock:
            rows = self._kept.get(key)
            if rows is not None:
                self._kept.move_to_end(key)
                return rows
        rows = rows_of(message)
        with self._lock:
            self._keep(key, rows)
        return rows

    def _keep(self, key: tuple[Tenant, int], rows: Rows) -> None:
        if key in self._kept:
            return
        self._kept[key] = rows
        self._bytes += rows.size
        while self._bytes > self._most_bytes and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].size


def rows_of(message: bytes) -> Rows:
    """Return the rows of a block; a row that is no span stands for a link of one."""
    every_one_lives = not any(mark in message for mark in _RUN_MARKS)
    names: dict[str, int] = {}
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
    return Rows(
        tuple(names),
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


def _keys(traces: list[bytes], spans: list[bytes]) -> Keys:
    """Return the key of each span; 0 where there is none."""
    halves = np.frombuffer(b"".join(traces), np.uint64).reshape(-1, 2)
    ids = np.frombuffer(b"".join(spans), np.uint64)
    mixed = halves[:, 0] * np.uint64(_ODD[0]) + halves[:, 1] * np.uint64(_ODD[1])
    mixed = (mixed ^ (mixed >> np.uint64(29))) + ids * np.uint64(_ODD[2])
    mixed ^= mixed >> np.uint64(32)
    return np.where(ids == 0, np.uint64(0), mixed * np.uint64(_ODD[0]))
