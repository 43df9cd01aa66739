"""What the tests of the page for people send to be asked for."""

import time

import httpx
from sending import PROTOBUF

from otel_vector.spans.batch import assemble
from otel_vector.testing.builders import Event, SpanRow, batch_of

SECOND = 1_000_000_000
NOW_NS = time.time_ns() // SECOND * SECOND - 600 * SECOND


def failure(number, message, service="payments"):
    """Return a trace of a checkout whose payment failed; it has an id that is short in Jaeger."""
    error = Event("exception", {"exception.type": "PaymentError", "exception.message": message})
    common = {"trace": number, "start_ns": NOW_NS + number * SECOND}
    return [
        SpanRow(span=1, name="POST /checkout", service="storefront", status=2,
                duration_ns=SECOND, **common),
        SpanRow(span=2, parent=1, name="charge card", service=service, status=2,
                status_message=message, attributes={"error.type": "PaymentError"},
                events=(error,), duration_ns=SECOND // 2, **common),
    ]  # fmt: skip


def posted(served, rows, **headers):
    batch = batch_of(rows)
    data = assemble(batch, range(len(batch)))
    place = f"http://{served.endpoints['otlp_http']}/v1/traces"
    answer = httpx.post(place, content=data, headers=PROTOBUF | headers)
    assert answer.status_code == 200, answer.text
