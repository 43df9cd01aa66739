"""Jaeger's `/api/v3` JSON: OTLP's own for traces, and what stands around it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from otel_vector.services.finding import FoundTrace
from otel_vector.services.operations import NamedOperation
from otel_vector.services.summaries import TraceSummary
from otel_vector.spans.items import KINDS, Item, traces_data
from otel_vector.spans.otlp_json import json_object
from otel_vector_collector.jaeger.chunks import noted

__all__ = ["Json", "operations_json", "refusal", "summary_json", "traces_json"]

Json = dict[str, Any]


def refusal(status: int, message: str) -> Json:
    """Return the answer to what cannot be answered."""
    return {"error": {"httpCode": status, "message": message}}


def operations_json(operations: Iterable[NamedOperation]) -> list[Json]:
    """Return operations; one without a kind is internal, as Jaeger says."""
    return [
        {"name": o.name, "spanKind": "internal" if o.kind == KINDS[0] else o.kind}
        for o in operations
    ]


def traces_json(traces: Iterable[FoundTrace]) -> Json:
    """Return traces as one OTLP message: hex ids, numbers of enumerations, texts of 64 bits."""
    spans: list[Item] = [
        replace(item, message=noted(item, trace.matched.get(item.id)))
        for trace in traces
        for item in trace.spans
    ]
    return {"result": json_object(traces_data(spans))}


def summary_json(summary: TraceSummary) -> Json:
    """Return the summary of a trace."""
    return {
        "traceId": summary.trace_id.hex(),
        "rootServiceName": summary.root_service,
        "rootOperationName": summary.root_name,
        "minStartTimeUnixNano": str(summary.start_ns),
        "maxEndTimeUnixNano": str(summary.end_ns),
        "spanCount": summary.spans,
        "errorSpanCount": summary.errors,
        "orphanSpanCount": summary.orphans,
        "services": [
            {"name": s.name, "spanCount": s.spans, "errorSpanCount": s.errors}
            for s in summary.services
        ],
    }
