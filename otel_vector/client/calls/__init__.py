"""Every route of the API as a call: one function for each, whichever client makes it."""

from otel_vector.client.calls.catalog import (
    attribute_values,
    attributes,
    meaning,
    meaning_spans,
    meanings,
    operations,
    services,
)
from otel_vector.client.calls.jobs import cancel_job, job, job_events, jobs, start_job
from otel_vector.client.calls.records import (
    Lots,
    collections,
    delete_record,
    put_record,
    record,
    record_versions,
    records,
)
from otel_vector.client.calls.searching import grouped, listed, search, similar
from otel_vector.client.calls.spans import (
    delete,
    events,
    export,
    span,
    span_otlp,
    spans,
    trace,
    trace_otlp,
)
from otel_vector.client.calls.state import audit, health, metrics, ready, stats

__all__ = [
    "Lots",
    "attribute_values",
    "attributes",
    "audit",
    "cancel_job",
    "collections",
    "delete",
    "delete_record",
    "events",
    "export",
    "grouped",
    "health",
    "job",
    "job_events",
    "jobs",
    "listed",
    "meaning",
    "meaning_spans",
    "meanings",
    "metrics",
    "operations",
    "put_record",
    "ready",
    "record",
    "record_versions",
    "records",
    "search",
    "services",
    "similar",
    "span",
    "span_otlp",
    "spans",
    "start_job",
    "stats",
    "trace",
    "trace_otlp",
]
