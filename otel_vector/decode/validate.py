"""Which spans and log records can be taken: those whose ids are ids.

OTLP: a trace id has 16 bytes, a span id 8, and neither is all zeros. A root span has no parent:
an empty id, or zeros as some senders write. Log records need no ids. Links are left as they
came: a link with a bad id does not make its span less true, and what was sent is kept. Times are
not judged either: any 64-bit time is a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

__all__ = ["Rejections", "count_data_points", "validate_logs", "validate_traces"]

_TRACE_BYTES = 16
_SPAN_BYTES = 8
_NO_TRACE = bytes(_TRACE_BYTES)
_NO_SPAN = bytes(_SPAN_BYTES)
_PARENT_LENGTHS = frozenset({0, _SPAN_BYTES})
_OPTIONAL_TRACE_LENGTHS = frozenset({0, _TRACE_BYTES})

_SENTENCES = {
    "trace_id_length": "the trace id does not have 16 bytes",
    "trace_id_zero": "the trace id is all zeros",
    "span_id_length": "the span id does not have 8 bytes",
    "span_id_zero": "the span id is all zeros",
    "parent_id_length": "the parent span id has neither 8 bytes nor none",
    "metrics_unsupported": "metrics are not stored here; switch the metrics exporter off or "
    "send metrics elsewhere",
}


@dataclass(frozen=True, slots=True)
class Rejections:
    """What was dropped.

    Attributes:
        accepted: how many items are left.
        reasons: how many were dropped, by reason.
    """

    accepted: int
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many items were dropped."""
        return sum(self.reasons.values())

    def message(self) -> str:
        """Return a sentence for `partial_success.error_message`, empty if nothing was dropped."""
        return "; ".join(f"{n} rejected: {_SENTENCES[why]}" for why, n in self.reasons.items())


def validate_traces(data: TracesData) -> Rejections:
    """Drop the spans with bad ids, in place."""
    accepted = 0
    reasons: Counter[str] = Counter()
    for resource in data.resource_spans:
        for scope in resource.scope_spans:
            spans = scope.spans
            if not _all_spans_good(spans):
                _drop(spans, [_span_fault(span) for span in spans], reasons)
            accepted += len(spans)
    return Rejections(accepted, reasons)


def validate_logs(data: LogsData) -> Rejections:
    """Drop the log records whose ids are neither absent nor of the right length, in place."""
    accepted = 0
    reasons: Counter[str] = Counter()
    for resource in data.resource_logs:
        for scope in resource.scope_logs:
            records = scope.log_records
            if not _all_records_good(records):
                _drop(records, [_record_fault(record) for record in records], reasons)
            accepted += len(records)
    return Rejections(accepted, reasons)


def count_data_points(data: MetricsData) -> Rejections:
    """Return all data points as rejected: metrics are not stored."""
    points = 0
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                points += len(getattr(metric, kind).data_points) if kind else 0
    return Rejections(0, {"metrics_unsupported": points} if points else {})


def _all_spans_good(spans: Iterable[Any]) -> bool:
    """Judge a scope's spans; which of them are bad, and why, is asked only if this is False."""
    for span in spans:
        trace_id = span.trace_id
        span_id = span.span_id
        if (
            len(trace_id) != _TRACE_BYTES
            or len(span_id) != _SPAN_BYTES
            or trace_id == _NO_TRACE
            or span_id == _NO_SPAN
            or len(span.parent_span_id) not in _PARENT_LENGTHS
        ):
            return False
    return True


def _all_records_good(records: Iterable[Any]) -> bool:
    return {len(record.trace_id) for record in records} <= _OPTIONAL_TRACE_LENGTHS and {
        len(record.span_id) for record in records
    } <= _PARENT_LENGTHS


def _span_fault(span: Any) -> str | None:
    if len(span.trace_id) != _TRACE_BYTES:
        return "trace_id_length"
    if len(span.span_id) != _SPAN_BYTES:
        return "span_id_length"
    if span.trace_id == _NO_TRACE:
        return "trace_id_zero"
    if span.span_id == _NO_SPAN:
        return "span_id_zero"
    return None if len(span.parent_span_id) in _PARENT_LENGTHS else "parent_id_length"


def _record_fault(record: Any) -> str | None:
    if len(record.trace_id) not in _OPTIONAL_TRACE_LENGTHS:
        return "trace_id_length"
    return None if len(record.span_id) in _PARENT_LENGTHS else "span_id_length"


def _drop(items: Any, faults: list[str | None], reasons: Counter[str]) -> None:
    """Keep the items that have no fault.

    One by one, each deletion would move all that follow: hours for a request of the largest size.
    """
    good = [item for item, fault in zip(items, faults, strict=True) if fault is None]
    del items[:]
    items.extend(good)
    reasons.update(fault for fault in faults if fault is not None)
