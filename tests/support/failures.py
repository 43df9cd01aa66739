"""What went wrong in a shop in the last two minutes, as spans."""

from __future__ import annotations

import time

from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

FAILURES = (
    ("payment", "charge card", "customer could not pay: card declined by issuer", 900),
    ("payment", "charge card", "customer could not pay: card declined by issuer", 700),
    ("stock", "reserve item", "connection to the warehouse timed out", 5200),
    ("post", "print label", "label printer is out of paper", 40),
)


def failed_spans(first: int = 1, suffix: str = "") -> TracesData:
    """Return a failed span in a trace of its own for each failure.

    Args:
        first: number of the first trace.
        suffix: of every failure's text, which another one makes another meaning.
    """
    data, now_ns = TracesData(), time.time_ns()
    for number, (service, name, failure, ms) in enumerate(FAILURES, first):
        resource = data.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = service
        start_ns = now_ns - 120_000_000_000 + (number - first) * 1_000_000_000
        span = resource.scope_spans.add().spans.add(
            trace_id=number.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            name=name,
            kind=2,
            start_time_unix_nano=start_ns,
            end_time_unix_nano=start_ns + ms * 1_000_000,
        )
        span.status.code, span.status.message = 2, failure + suffix
    return data
