"""A trace as a tree with bars on a time scale."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from otel_vector.client.shapes import LogRecord, TraceSpan
from otel_vector_collector.cli.console import printable
from otel_vector_collector.units import duration, moment

__all__ = ["Row", "rows", "title", "waterfall"]

_BAR_CELLS = 36
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_DEEPEST = 40
_NAME_CELLS = 58


@dataclass(frozen=True, slots=True)
class Row:
    """One span where it stands in the tree.

    Attributes:
        lead: the drawn branches before its name.
        span: as the API gives it.
        logs: log records that belong to it.
    """

    lead: str
    span: TraceSpan
    logs: int


def rows(spans: Sequence[TraceSpan], logs: Sequence[LogRecord] = ()) -> list[Row]:
    """Return the spans in the order of a tree, each below its parent, by start.

    A span whose parent is not stored stands at the top. Nothing is lost to a cycle or to two
    spans with one id.
    """
    counted = Counter(str(record.get("span_id", "")) for record in logs)
    known = {span["span_id"] for span in spans}
    children: dict[str, list[TraceSpan]] = {}
    for span in sorted(spans, key=lambda s: int(s["start_time_unix_nano"])):
        parent = span["parent_span_id"]
        children.setdefault(parent if parent in known else "", []).append(span)
    walked = _walk(children)
    seen = {id(row) for _, row in walked}
    walked += [("", span) for span in spans if id(span) not in seen]
    return [Row(lead, span, counted[span["span_id"]]) for lead, span in walked]


def _walk(children: dict[str, list[TraceSpan]]) -> list[tuple[str, TraceSpan]]:
    """Walk depth first without recursion: a trace may be thousands of levels deep."""
    found: list[tuple[str, TraceSpan]] = []
    stack = [("", "", span) for span in reversed(children.pop("", []))]
    while stack:
        lead, below, span = stack.pop()
        found.append((lead, span))
        mine = children.pop(span["span_id"], [])
        for position, child in reversed(list(enumerate(mine))):
            last = position == len(mine) - 1
            branch = ("└ ", "  ") if last else ("├ ", "│ ")
            deeper = len(below) < 2 * _DEEPEST
            stack.append((below + branch[0], below + branch[1] if deeper else below, child))
    return found


def title(spans: Sequence[TraceSpan]) -> str:
    """Return one line about the whole trace."""
    start, end = _extent(spans)
    errors = sum(span["status"] == "error" for span in spans)
    services = len({span["service"] for span in spans})
    failed = f", {errors} failed" if errors else ""
    return (
        f"trace {printable(spans[0]['trace_id'])}: {_number(len(spans), 'span')} of "
        f"{_number(services, 'service')}{failed}, "
        f"{duration(end - start)}, from {moment(start)}"
    )


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def waterfall(tree: Sequence[Row]) -> Table:
    """Return the tree drawn as a table."""
    start, end = _extent([row.span for row in tree])
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    made.add_column("span", no_wrap=True, overflow="ellipsis", max_width=_NAME_CELLS)
    made.add_column("service", no_wrap=True, overflow="ellipsis", max_width=24)
    made.add_column("duration", justify="right", no_wrap=True)
    made.add_column(f"0 … {duration(end - start)}", no_wrap=True, min_width=_BAR_CELLS)
    made.add_column("logs", justify="right", no_wrap=True)
    made.add_column("span id", no_wrap=True)
    for row in tree:
        made.add_row(*_cells(row, start, max(1, end - start)))
    return made


def _cells(row: Row, start: int, extent: int) -> Iterator[Text]:
    span = row.span
    failed = span["status"] == "error"
    style = "red" if failed else ""
    name = printable(span["name"]) + (" ✗" if failed else "")
    yield Text(row.lead, style="dim").append(Text(name, style=style))
    yield Text(printable(span["service"]), style="cyan")
    yield Text(duration(int(span["duration_nano"])), style=style)
    offset = (int(span["start_time_unix_nano"]) - start) / extent
    length = int(span["duration_nano"]) / extent
    yield Text(_bar(offset, length), style="red" if failed else "green")
    yield Text(str(row.logs) if row.logs else "")
    yield Text(printable(span["span_id"]), style="dim")


def _bar(offset: float, length: float) -> str:
    """Draw a bar to an eighth of a cell at its end; at least one eighth is seen."""
    first = min(int(offset * _BAR_CELLS), _BAR_CELLS - 1)
    eighths = max(1, round(min(length, 1.0) * _BAR_CELLS * 8))
    eighths = min(eighths, (_BAR_CELLS - first) * 8)
    rest = _EIGHTHS[eighths % 8].strip()
    return " " * first + _EIGHTHS[8] * (eighths // 8) + rest


def _extent(spans: Sequence[TraceSpan]) -> tuple[int, int]:
    starts = [int(span["start_time_unix_nano"]) for span in spans]
    ends = [s + int(span["duration_nano"]) for s, span in zip(starts, spans, strict=True)]
    return min(starts), max(ends)
