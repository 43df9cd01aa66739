"""What redaction costs per span: clean requests, one secret in 512 spans, secrets in 3 %.

    python tests/performance/bench_redact.py [--spans 51200]

Spans have eight attributes and some 350 bytes; names, routes and error texts repeat as in real
traffic. Times are the best of five rounds over the same requests, parsing left out.
"""

from __future__ import annotations

import argparse
import platform
import random
import time
from collections.abc import Callable

from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.redact.redactor import Redactor
from otel_vector.settings.config import RedactConfig

BATCH = 512
SERVICES = ["frontend", "cart", "checkout", "payment", "shipping", "email", "currency", "catalog"]
VERBS = ["get", "list", "create", "update", "delete", "charge", "refund", "ship", "quote", "rank"]
NOUNS = ["order", "cart", "product", "card", "parcel", "price", "user", "session", "invoice"]
ERRORS = ["card declined by issuer", "connection reset by peer", "deadline exceeded after 3s"]
SECRETS = [
    ("http.request.header.authorization", "Bearer 2YotnFZFEjr1zCsicMWpAA"),
    ("db.connection", "postgres://shop:hunter2@db:5432/shop"),
    ("http.request.body.content", '{"user": "ada", "password": "lovelace", "remember": true}'),
    ("log.line", "calling with key sk-proj-4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c now"),
]


def requests(spans: int, is_dirty: Callable[[int], bool]) -> list[bytes]:
    """Return serialised requests of 512 spans."""
    rng = random.Random(1)
    operations = [
        (rng.choice(SERVICES), f"{rng.choice(VERBS)} {rng.choice(NOUNS)} {i % 17}")
        for i in range(200)
    ]
    return [
        _request(rng, operations, range(first, min(first + BATCH, spans)), is_dirty)
        for first in range(0, spans, BATCH)
    ]


def _request(rng, operations, numbers, is_dirty) -> bytes:
    data = TracesData()
    scopes = {}
    for number in numbers:
        service, name = rng.choice(operations)
        if service not in scopes:
            resource = data.resource_spans.add()
            _attribute(resource.resource, "service.name", service)
            scopes[service] = resource.scope_spans.add()
            scopes[service].scope.name = "loadgen"
        _fill(scopes[service].spans.add(), rng, service, name, number)
        if is_dirty(number):
            _attribute(scopes[service].spans[-1], *rng.choice(SECRETS))
    return data.SerializeToString()


def _fill(span, rng, service, name, number) -> None:
    span.trace_id, span.span_id = rng.randbytes(16), rng.randbytes(8)
    span.name, span.kind = name, 2
    span.start_time_unix_nano = 1_760_000_000_000_000_000 + number * 1000
    span.end_time_unix_nano = span.start_time_unix_nano + rng.randrange(10_000, 900_000_000)
    _attribute(span, "http.request.method", "POST")
    _attribute(span, "http.route", "/" + name.replace(" ", "/"))
    _attribute(span, "server.address", "shop.local")
    _attribute(span, "user.id", f"u-{rng.randrange(10_000)}")
    _attribute(span, "net.protocol", "http/1.1")
    _attribute(span, "k8s.pod.name", f"{service}-{rng.randrange(6)}")
    status = span.attributes.add()
    status.key, status.value.int_value = "http.response.status_code", rng.choice([200, 404, 500])
    amount = span.attributes.add()
    amount.key, amount.value.double_value = "amount", rng.random() * 100
    if rng.random() < 0.03:
        span.status.code, span.status.message = 2, rng.choice(ERRORS)


def _attribute(owner, key, value) -> None:
    attribute = owner.attributes.add()
    attribute.key, attribute.value.string_value = key, value


def measure(redactor: Redactor, bodies: list[bytes]) -> tuple[float, int]:
    """Return the best time of five, in seconds, and how many values were redacted."""
    best, count = float("inf"), 0
    for _ in range(5):
        parsed = [(TracesData.FromString(body), body) for body in bodies]
        start = time.perf_counter()
        count = sum(redactor.traces(data, body) for data, body in parsed)
        best = min(best, time.perf_counter() - start)
    return best, count


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--spans", type=int, default=51_200)
    spans = arguments.parse_args().spans
    redactor = Redactor(RedactConfig(), b"a key for measuring, not secret!")
    print(f"{platform.machine()}, Python {platform.python_version()}, {spans} spans")
    print(f"{'batches':<24}{'bytes/span':>12}{'redacted':>10}{'µs/span':>10}")
    cases: dict[str, Callable[[int], bool]] = {
        "clean": lambda _: False,
        "one secret in 512 spans": lambda n: n % BATCH == 100,
        "secrets in 3 %": lambda n: n % 33 == 0,
    }
    for name, is_dirty in cases.items():
        bodies = requests(spans, is_dirty)
        seconds, count = measure(redactor, bodies)
        size = sum(map(len, bodies)) / spans
        print(f"{name:<24}{size:>12.0f}{count:>10}{seconds / spans * 1e6:>10.2f}")


if __name__ == "__main__":
    main()
