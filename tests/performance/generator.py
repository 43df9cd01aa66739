"""The frozen generator: the same traffic for every measurement.

30 services, 4,900 operations drawn by Zipf's law (exponent 1.1), 9 attributes a span of which two
are unique to it, 3 % errors with 100 messages, spread evenly over seven days up to now, traces of
eight spans. A request holds 512 spans of one moment, grouped by service, some 190 KB.

    python tests/performance/generator.py 10000   # prints what it makes
"""

from __future__ import annotations

import bisect
import itertools
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SPANS_PER_REQUEST = 512
OPERATIONS = 4_900
SERVICES = 30
DAYS = 7
_SPANS_PER_TRACE = 8
_ERROR_SHARE = 0.03

_DOMAINS = [
    "cart",
    "checkout",
    "payment",
    "shipping",
    "catalog",
    "pricing",
    "search",
    "profile",
    "session",
    "inventory",
    "refund",
    "invoice",
    "loyalty",
    "coupon",
    "review",
    "rating",
    "address",
    "fraud",
    "ledger",
    "settlement",
    "notification",
    "email",
    "sms",
    "banner",
    "recommendation",
    "warehouse",
    "courier",
    "tax",
    "currency",
    "gateway",
]
_VERBS = [
    "get",
    "list",
    "create",
    "update",
    "delete",
    "validate",
    "reserve",
    "release",
    "charge",
    "refund",
    "ship",
    "track",
    "render",
    "rank",
    "convert",
    "sync",
    "publish",
    "consume",
    "index",
    "archive",
]
_NOUNS = [
    "order",
    "item",
    "card",
    "parcel",
    "price",
    "user",
    "basket",
    "invoice",
    "address",
    "voucher",
    "label",
    "stock",
    "quote",
    "rate",
    "receipt",
    "payout",
    "message",
    "template",
    "segment",
    "report",
]
_FAULTS = (
    "card declined by issuer", "connection reset by peer", "deadline exceeded", "stock exhausted",
    "address not deliverable", "duplicate key", "permission denied", "upstream returned 503",
    "invalid currency code", "token expired",
)  # fmt: skip
_SHAPES = ("{v} {n}", "{v}{N}", "POST /{n}s/{v}", "GET /{n}s/{{id}}/{v}", "shop.{N}Service/{V}{N}")


@dataclass(frozen=True, slots=True)
class Request:
    """A serialised request and the hex ids of its spans."""

    body: bytes
    trace_ids: list[bytes]
    spans: int


def operations(seed: int = 7) -> list[tuple[int, str, int]]:
    """Return (service number, span name, kind) of every operation, most frequent first."""
    rng = random.Random(seed)
    made: dict[tuple[int, str], int] = {}
    while len(made) < OPERATIONS:
        verb, noun, extra = rng.choice(_VERBS), rng.choice(_NOUNS), rng.choice(_NOUNS)
        shape = rng.choice(_SHAPES)
        name = shape.format(v=verb, n=noun, V=verb.title(), N=noun.title())
        if rng.random() < 0.6:
            name += f" {extra}"
        made.setdefault((rng.randrange(SERVICES), name), rng.choice((1, 2, 2, 3)))
    return [(service, name, kind) for (service, name), kind in made.items()]


def requests(spans: int, seed: int = 1, now_ns: int | None = None) -> Iterator[Request]:
    """Yield requests that hold `spans` spans in all, in the order of their starts."""
    rng = random.Random(seed)
    table = operations()
    weights = list(itertools.accumulate(1 / (rank + 1) ** 1.1 for rank in range(len(table))))
    end_ns = time.time_ns() if now_ns is None else now_ns
    step_ns = DAYS * 86_400 * 10**9 // max(1, spans)
    start_ns = end_ns - DAYS * 86_400 * 10**9
    for first in range(0, spans, SPANS_PER_REQUEST):
        count = min(SPANS_PER_REQUEST, spans - first)
        picks = [
            table[bisect.bisect(weights, rng.random() * weights[-1]) % len(table)]
            for _ in range(count)
        ]
        yield _request(rng, picks, start_ns + first * step_ns, step_ns)


def _request(
    rng: random.Random, picks: list[tuple[int, str, int]], start_ns: int, step_ns: int
) -> Request:
    message = ExportTraceServiceRequest()
    scopes: dict[int, object] = {}
    traces: list[bytes] = []
    trace_id, parent = b"", b""
    for at, (service, name, kind) in enumerate(picks):
        if at % _SPANS_PER_TRACE == 0:
            trace_id, parent = rng.randbytes(16), b""
            traces.append(trace_id)
        spans = scopes.get(service)
        if spans is None:
            resource = message.resource_spans.add()
            _text(resource.resource, "service.name", f"{_DOMAINS[service]}-service")
            _text(resource.resource, "deployment.environment.name", "production")
            scope = resource.scope_spans.add()
            scope.scope.name = "bench"
            spans = scopes[service] = scope.spans
        span = spans.add()
        span.trace_id, span.span_id, span.parent_span_id = trace_id, rng.randbytes(8), parent
        parent = parent or span.span_id
        _fill(rng, span, name, kind, start_ns + at * step_ns, service)
    return Request(message.SerializeToString(), traces, len(picks))


def _fill(rng, span, name: str, kind: int, start_ns: int, service: int) -> None:
    span.name, span.kind = name, kind
    span.start_time_unix_nano = start_ns
    span.end_time_unix_nano = start_ns + int(rng.lognormvariate(17, 1.2))
    failed = rng.random() < _ERROR_SHARE
    _text(span, "http.request.method", "POST")
    _text(span, "server.address", "shop.local")
    _text(span, "network.protocol.version", "1.1")
    _text(span, "k8s.pod.name", f"{_DOMAINS[service]}-{rng.randrange(6)}")
    _text(span, "customer.tier", rng.choice(("gold", "silver", "basic")))
    _text(span, "order.id", f"order-{rng.getrandbits(40):x}")
    _text(span, "user.reference", f"u-{rng.getrandbits(40):x}")
    _number(span, "http.response.status_code", 500 if failed else rng.choice((200, 200, 201, 404)))
    _number(span, "payload.size", rng.randrange(100, 100_000))
    if failed:
        span.status.code = 2
        message = f"{rng.choice(_FAULTS)} in {_VERBS[rng.randrange(10)]} step"
        span.status.message = message


def _text(owner, key: str, value: str) -> None:
    attribute = owner.attributes.add()
    attribute.key, attribute.value.string_value = key, value


def _number(owner, key: str, value: int) -> None:
    attribute = owner.attributes.add()
    attribute.key, attribute.value.int_value = key, value


if __name__ == "__main__":
    total = int(sys.argv[1])
    sizes = [(len(r.body), r.spans) for r in requests(total)]
    print(f"{len(sizes)} requests, {sum(s for s, _ in sizes) / total:.0f} bytes a span")
