"""A running otel-vector with failures of a shop in it, for what dashboards ask of one."""

import sys
import time
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

sys.path[:0] = [str(Path(__file__).parents[1] / "end_to_end")]

from sending import post, settle  # noqa: E402 -- found by the line above
from serving import Served  # noqa: E402

FAILURES = (
    ("payment", "charge card", "customer could not pay: card declined by issuer", 900),
    ("payment", "charge card", "customer could not pay: card declined by issuer", 700),
    ("stock", "reserve item", "connection to the warehouse timed out", 5200),
    ("post", "print label", "label printer is out of paper", 40),
)


@pytest.fixture(scope="session")
def asked(tmp_path_factory):
    """Yield a client of the API of a process that stored what went wrong in the last minutes."""
    served = Served(tmp_path_factory.mktemp("dashboards"))
    try:
        served.start()
        assert post(served, failed_spans().SerializeToString()).status == 200
        settle(served)
        url = f"http://{served.endpoints['api']}"
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            yield client
    finally:
        served.end()


def failed_spans():
    data, now_ns = TracesData(), time.time_ns()
    for number, (service, name, failure, ms) in enumerate(FAILURES, 1):
        resource = data.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = service
        start_ns = now_ns - 120_000_000_000 + number * 1_000_000_000
        span = resource.scope_spans.add().spans.add(
            trace_id=number.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            name=name,
            kind=2,
            start_time_unix_nano=start_ns,
            end_time_unix_nano=start_ns + ms * 1_000_000,
        )
        span.status.code, span.status.message = 2, failure
    return data
