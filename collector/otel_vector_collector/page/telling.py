"""Which span of a trace tells most of what it is about."""

from __future__ import annotations

from dataclasses import dataclass

from otel_vector.errors import NotFoundError
from otel_vector.services.traces import Trace, TraceRow

__all__ = ["Telling", "most_telling"]


@dataclass(frozen=True, slots=True)
class Telling:
    """A span, and why it was chosen, as a sentence."""

    row: TraceRow
    why: str


def most_telling(trace: Trace) -> Telling:
    """Return the span of a trace whose likes are looked for: the first failure, else the root.

    Of several failures the one that ended first comes first: a failure is over before the calls
    that it makes fail are.

    Raises:
        NotFoundError: the trace has log records only.
    """
    if not trace.rows:
        raise NotFoundError(f"of trace {trace.trace_id} only log records are stored, no spans")
    failed = [row for row in trace.rows if row.item.status == "error"]
    if failed:
        first = min(failed, key=lambda row: (row.item.end_ns, -row.item.start_ns))
        return Telling(first, _why_first(len(failed)))
    return Telling(trace.rows[0], _why_root(trace))


def _why_first(failures: int) -> str:
    if failures == 1:
        return "It is compared by its span that failed."
    return f"It is compared by the span that failed first, of {failures} that failed."


def _why_root(trace: Trace) -> str:
    if trace.rows[0].orphan:
        return "No span of it failed and its root is not stored: it is compared by its first span."
    return "No span of it failed: it is compared by its root."
