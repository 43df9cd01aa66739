"""A trace in a line: its root, its times, and what it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from otel_vector.spans.items import Item

__all__ = ["ServiceSummary", "TraceSummary", "summary_of"]


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """A service's part in a trace: its spans, and those of them that failed."""

    name: str
    spans: int
    errors: int


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """What a list of traces shows.

    Attributes:
        trace_id: 16 bytes.
        root_service, root_name: of the earliest span without a parent; empty if there is none.
        start_ns, end_ns: earliest start and latest end of any span.
        spans, errors: how many, and how many with status error.
        orphans: spans whose parent is named but not stored.
        services: in the order of names.
    """

    trace_id: bytes
    root_service: str
    root_name: str
    start_ns: int
    end_ns: int
    spans: int
    errors: int
    orphans: int
    services: tuple[ServiceSummary, ...]


def summary_of(spans: Sequence[Item]) -> TraceSummary:
    """Return the summary of a trace's spans; there has to be one at least."""
    roots = [item for item in spans if not item.message.parent_span_id]
    root = min(roots, key=lambda item: (item.start_ns, item.id), default=None)
    known = {item.message.span_id for item in spans}
    counts = Counter(item.service for item in spans)
    errors = Counter(item.service for item in spans if item.status == "error")
    return TraceSummary(
        trace_id=bytes(spans[0].message.trace_id),
        root_service=root.service if root else "",
        root_name=root.name if root else "",
        start_ns=min(item.start_ns for item in spans),
        end_ns=max(item.end_ns for item in spans),
        spans=len(spans),
        errors=errors.total(),
        orphans=sum(_is_orphan(item, known) for item in spans),
        services=tuple(
            ServiceSummary(name, counts[name], errors[name]) for name in sorted(counts)
        ),
    )


def _is_orphan(item: Item, known: set[bytes]) -> bool:
    parent = item.message.parent_span_id
    return bool(parent) and parent not in known
