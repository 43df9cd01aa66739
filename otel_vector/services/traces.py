"""Traces and spans by their ids, of all run kinds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from otel_vector.errors import InvalidQueryError, NotFoundError
from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Meaning, Signal
from otel_vector.store.contract import Store

__all__ = ["Detail", "Trace", "TraceRow", "Traces"]

_HEX = frozenset("0123456789abcdef")
_TRACE_DIGITS = 32
_SPAN_DIGITS = 16


@dataclass(frozen=True, slots=True)
class TraceRow:
    """A span in its place in the tree.

    Attributes:
        depth: 0 for a root.
        orphan: its parent is named but is not stored.
    """

    item: Item
    depth: int
    orphan: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole trace: spans in the order of a waterfall, and its log records by time."""

    trace_id: str
    rows: tuple[TraceRow, ...]
    logs: tuple[Item, ...]

    @property
    def start_ns(self) -> int:
        """Earliest start; 0 without spans."""
        return min((row.item.start_ns for row in self.rows), default=0)

    @property
    def end_ns(self) -> int:
        """Latest end; 0 without spans."""
        return max((row.item.end_ns for row in self.rows), default=0)


@dataclass(frozen=True, slots=True)
class Detail:
    """One item with the texts of its meanings, in the item's order."""

    item: Item
    meanings: tuple[Meaning, ...]


@dataclass(frozen=True, slots=True)
class Traces:
    """Looks up what has an id."""

    store: Store

    def trace(self, tenant: Tenant, trace_id: str) -> Trace:
        """Return a trace by its 32 hex digits.

        Raises:
            InvalidQueryError: that is no trace id.
            NotFoundError: nothing of this trace is stored.
        """
        raw = _hex_bytes(trace_id, _TRACE_DIGITS, "a trace id")
        reader = self.store.tenant(tenant).reader
        spans, logs = reader.trace(raw), reader.logs(raw)
        if not spans and not logs:
            raise NotFoundError(f"there is no trace {raw.hex()}")
        return Trace(raw.hex(), tuple(_tree(spans)), tuple(logs))

    def span(self, tenant: Tenant, point_id: str) -> Detail:
        """Return a span or log record by its content id, 32 hex digits.

        Raises:
            InvalidQueryError: that is no content id.
            NotFoundError: there is none.
        """
        wanted = SpanId(_hex_bytes(point_id, _TRACE_DIGITS, "the id of a span").hex())
        reader = self.store.tenant(tenant).reader
        for signal in Signal:
            if items := reader.items(signal, (wanted,)):
                return self._details(tenant, items)[0]
        raise NotFoundError(f"there is no span or log record {wanted}")

    def spans(self, tenant: Tenant, trace_id: str, span_id: str) -> list[Detail]:
        """Return every stored span of a trace id and span id; a span id can be used twice.

        Raises:
            InvalidQueryError: one of them is no id.
            NotFoundError: there is none.
        """
        wanted = _hex_bytes(span_id, _SPAN_DIGITS, "a span id")
        raw = _hex_bytes(trace_id, _TRACE_DIGITS, "a trace id")
        reader = self.store.tenant(tenant).reader
        ids = [item.id for item in reader.trace(raw) if item.message.span_id == wanted]
        if not ids:
            raise NotFoundError(f"there is no span {wanted.hex()} in trace {raw.hex()}")
        return self._details(tenant, reader.items(Signal.SPANS, ids))

    def details(self, tenant: Tenant, ids: Sequence[SpanId]) -> list[Detail]:
        """Return spans by their content ids, in this order; those that are gone are left out."""
        return self._details(tenant, self.store.tenant(tenant).reader.items(Signal.SPANS, ids))

    def _details(self, tenant: Tenant, items: Iterable[Item]) -> list[Detail]:
        items = list(items)
        known = self.store.tenant(tenant).meanings.get(
            {meaning for item in items for meaning in item.meanings}
        )
        return [
            Detail(item, tuple(known[m] for m in item.meanings if m in known)) for item in items
        ]


def _hex_bytes(text: str, digits: int, what: str) -> bytes:
    lower = text.lower()
    if len(lower) != digits or not _HEX.issuperset(lower):
        raise InvalidQueryError(f"{what} is {digits} hex digits, not {text[:80]!r}")
    return bytes.fromhex(lower)


def _tree(spans: list[Item]) -> list[TraceRow]:
    """Return spans parents first, children by start.

    Spans whose parents form a ring are reached from no root; they are shown as roots.
    """
    ordered = sorted(spans, key=lambda item: (item.start_ns, item.id))
    known = {item.span_hex for item in ordered}
    children: dict[str, list[Item]] = {}
    roots: list[Item] = []
    for item in ordered:
        inside = item.parent_hex in known and item.parent_hex != item.span_hex
        (children.setdefault(item.parent_hex, []) if inside else roots).append(item)
    rows = _walk(roots, children, reached := set[SpanId]())
    for item in ordered:
        if item.id not in reached:
            rows += _walk([item], children, reached)
    return rows


def _walk(roots: list[Item], children: dict[str, list[Item]], seen: set[SpanId]) -> list[TraceRow]:
    """Return the subtrees of some roots, parents first, but for spans that were seen before.

    The children of a span id stand under the first span that has it. What is reached is seen.
    """
    rows, opened = list[TraceRow](), set[str]()
    waiting = [(item, 0) for item in reversed(roots)]
    while waiting:
        item, depth = waiting.pop()
        if item.id in seen:
            continue
        seen.add(item.id)
        rows.append(TraceRow(item, depth, orphan=not depth and bool(item.parent_hex)))
        if item.span_hex not in opened:
            opened.add(item.span_hex)
            below = children.get(item.span_hex, ())
            waiting += [(child, depth + 1) for child in reversed(below)]
    return rows
