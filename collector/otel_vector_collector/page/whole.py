"""Our own page of a trace: the values of the template `trace.html`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from otel_vector.services.traces import Trace, Traces
from otel_vector.spans.ids import Tenant
from otel_vector_collector.page.asked import whole_trace_id
from otel_vector_collector.page.details import named
from otel_vector_collector.page.links import Links
from otel_vector_collector.page.waterfall import PAGE_ROWS, log_rows, page_start, rows_of

__all__ = ["Wanted", "whole_trace"]

_LOGS: Final = 200  # log records on the page
_FAILURES: Final = 20  # links to spans that failed


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a trace.

    Attributes:
        trace_id: up to 32 hex digits.
        start: rows left out at the front, unless a span is named.
        span: content id of the span that is shown opened; empty for none.
    """

    trace_id: str
    start: int = 0
    span: str = ""


def whole_trace(traces: Traces, tenant: Tenant, wanted: Wanted, links: Links) -> dict[str, Any]:
    """Return a part of a trace, as much as fits one page.

    Raises:
        InvalidQueryError: that is no trace id.
        NotFoundError: nothing of this trace is stored.
    """
    trace = traces.trace(tenant, whole_trace_id(wanted.trace_id))
    start = page_start(trace, wanted.start, wanted.span)
    shown = trace.rows[start : start + PAGE_ROWS]
    details = traces.details(tenant, [row.item.id for row in shown])
    ends = start + len(shown)
    start_ns = trace.start_ns
    return {
        "trace": trace,
        "start_ns": start_ns,
        "duration_ns": max(0, trace.end_ns - start_ns),
        "services": sorted({row.item.service for row in trace.rows if row.item.service}),
        "failures": _failures(trace, links),
        "failed": sum(row.item.status == "error" for row in trace.rows),
        "rows": rows_of(trace, shown, details, links, wanted.span),
        "first": start + 1,
        "last": ends,
        "before": links.own_trace(trace.trace_id, start=start - PAGE_ROWS) if start else "",
        "after": links.own_trace(trace.trace_id, start=ends) if ends < len(trace.rows) else "",
        "logs": log_rows(trace.logs[:_LOGS]),
        "tool_link": links.trace(trace.trace_id) if links.trace_link else "",
        "likes": links.ask(trace=trace.trace_id),
    }


def _failures(trace: Trace, links: Links) -> list[tuple[str, str]]:
    """Return name and link of the first spans that failed."""
    failed = (row.item for row in trace.rows if row.item.status == "error")
    shown = [(named(item.name), links.own_trace(trace.trace_id, str(item.id))) for item in failed]
    return shown[:_FAILURES]
