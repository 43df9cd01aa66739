"""A trace as a waterfall: spans in the order of the tree, each with a bar on one scale of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from otel_vector.services.traces import Detail, Trace, TraceRow
from otel_vector.spans.items import Item
from otel_vector_collector.page.details import SPAN_CHARS, SpanView, span_view
from otel_vector_collector.page.groups import body_of
from otel_vector_collector.page.links import Links

__all__ = ["PAGE_ROWS", "Bar", "LogRow", "WaterfallRow", "log_rows", "page_start", "rows_of"]

PAGE_ROWS = 200
"""Spans on one page."""

_SHARE: Final = 20  # a span that is not opened may take this part of what one that is may
_UNITS = 1000  # units of the drawing's width
_DEEPEST = 24  # levels that are set in
_LEAST = 3  # units of the shortest bar
_SEVERITIES = ("", "trace", "debug", "info", "warn", "error", "fatal")


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, in units of a drawing 1,000 wide."""

    x: int
    width: int


@dataclass(frozen=True, slots=True)
class _Scale:
    """The time that a trace takes: looked up once, since it takes a look at every span."""

    start_ns: int
    extent_ns: int

    @classmethod
    def of(cls, trace: Trace) -> _Scale:
        start_ns = trace.start_ns
        return cls(start_ns, max(1, trace.end_ns - start_ns))

    def bar(self, item: Item) -> Bar:
        x = round((item.start_ns - self.start_ns) / self.extent_ns * _UNITS)
        width = max(_LEAST, round(item.duration_ns / self.extent_ns * _UNITS))
        x = min(x, _UNITS - _LEAST)
        return Bar(x, min(width, _UNITS - x))


@dataclass(frozen=True, slots=True)
class WaterfallRow:
    """One span where it stands."""

    span: SpanView
    depth: int
    level: int
    orphan: bool
    bar: Bar
    offset_ns: int
    logs: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class LogRow:
    """One log record of a trace."""

    time_ns: int
    severity: str
    service: str
    body: str


def page_start(trace: Trace, wanted: int, span: str) -> int:
    """Return how many rows stand before a page: that of a span if it is in the trace."""
    places = (n for n, row in enumerate(trace.rows) if str(row.item.id) == span)
    place = next(places, min(max(0, wanted), max(0, len(trace.rows) - 1)))
    return place // PAGE_ROWS * PAGE_ROWS


def rows_of(
    trace: Trace, shown: Sequence[TraceRow], details: Sequence[Detail], links: Links, opened: str
) -> list[WaterfallRow]:
    """Return rows of a trace.

    Args:
        trace: the whole of it.
        shown: its rows that are on the page.
        details: what their spans have; of those that went meanwhile nothing is shown.
        links: of the page.
        opened: content id of the span that is shown opened; empty for none.
    """
    known = {detail.item.id: detail for detail in details}
    logs = Counter(item.span_hex for item in trace.logs)
    scale = _Scale.of(trace)
    return [
        WaterfallRow(
            span=span_view(known[row.item.id], links, _chars(row, opened)),
            depth=row.depth,
            level=min(row.depth, _DEEPEST),
            orphan=row.orphan,
            bar=scale.bar(row.item),
            offset_ns=row.item.start_ns - scale.start_ns,
            logs=logs[row.item.span_hex],
            is_open=str(row.item.id) == opened,
        )
        for row in shown
        if row.item.id in known
    ]


def _chars(row: TraceRow, opened: str) -> int:
    return SPAN_CHARS if str(row.item.id) == opened else SPAN_CHARS // _SHARE


def log_rows(logs: Sequence[Item]) -> list[LogRow]:
    """Return log records as rows."""
    return [LogRow(item.start_ns, _severity(item), item.service, body_of(item)) for item in logs]


def _severity(item: Item) -> str:
    number = int(item.message.severity_number)
    return _SEVERITIES[(number + 3) // 4] if 0 <= number <= 24 else ""  # noqa: PLR2004 -- OTLP's
