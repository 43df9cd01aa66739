"""What capturing a call costs on the thread that calls, piece by piece.

    python tests/performance/bench_capture.py [--calls 20000]

The call is `process_payment("user_789", 5000, items=[…])`, its arguments and result some 200 bytes
of JSON together; "typed" is the same with a datetime, a Decimal and a dataclass in it. Times are
medians of 50 rounds. The last rows record the captured attributes on a span of the SDK, without a
processor, and are the ones that the bound is for.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from harness import quantile, table
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer

from otel_vector.canonical.decode import value_of
from otel_vector.canonical.digest import digest_of
from otel_vector.canonical.encode import text_of
from otel_vector.instrument.arguments import Binder
from otel_vector.instrument.capture import Captured, Chunks, inputs_of, output_of

ROUNDS = 50
CAP = 16_384
ARGS = ("user_789", 5000)
KWARGS = {"items": [{"sku": "A-1", "qty": 2, "price": 9.99}], "note": "after six"}
RESULT = {"status": "success", "receipt_id": "receipt_user_789_5000", "total": 19.98}
IMPORT = """
import time
import opentelemetry.sdk.trace
begun = time.perf_counter()
from otel_vector.instrument.capture import inputs_of
from otel_vector.instrument.arguments import Binder
loaded = time.perf_counter()
inputs_of({"a": 1}, None)
print((loaded - begun) * 1000, (time.perf_counter() - loaded) * 1000)
"""


@dataclass
class Money:
    amount: Decimal
    currency: str


TYPED = {
    "when": datetime(2026, 1, 2, tzinfo=UTC),
    "price": Money(Decimal("19.98"), "EUR"),
    **RESULT,
}


def process_payment(user_id, amount, items=(), note="", *, dry_run=False):
    """Have the parameters of the call that is measured."""


def median_us(call: Callable[[], object], calls: int) -> float:
    """Return the median time of one call, in microseconds."""
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(calls // ROUNDS):
            call()
        times.append((time.perf_counter() - begun) / (calls // ROUNDS) * 1e6)
    return quantile(times, 0.5)


def span_with(tracer: Tracer, captures: Callable[[], tuple[Captured, Captured]] | None) -> None:
    """Make a span as a decorator does, with what is captured of a call."""
    if captures is None:
        tracer.start_span("process_payment").end()
        return
    inputs, output = captures()
    span = tracer.start_span("process_payment", attributes=inputs)
    span.set_attributes(output)
    span.end()


def stream() -> Captured:
    """Capture a stream of a hundred texts."""
    chunks = Chunks(CAP)
    for _ in range(100):
        chunks.add("word ")
    return chunks.attributes()


def measured(calls: int) -> list[tuple[str, str, str]]:
    """Return a row for each piece."""
    binder = Binder(process_payment)
    bound = binder.bind(ARGS, KWARGS)
    text, typed = text_of(bound), text_of(TYPED)
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("bench")

    def captures() -> tuple[Captured, Captured]:
        return inputs_of(binder.bind(ARGS, KWARGS), CAP), output_of(RESULT, CAP)

    pieces: list[tuple[str, Callable[[], object]]] = [
        ("bind the arguments", lambda: binder.bind(ARGS, KWARGS)),
        (f"text of the arguments ({len(text)} characters)", lambda: text_of(bound)),
        (f"text of the result ({len(text_of(RESULT))} characters)", lambda: text_of(RESULT)),
        (f"text of a typed result ({len(typed)} characters)", lambda: text_of(TYPED)),
        ("value of that text", lambda: value_of(typed)),
        ("digest of a text", lambda: digest_of(text)),
        ("inputs and output, whole", captures),
        ("a stream of 100 texts", stream),
    ]
    rows = [(name, f"{median_us(call, calls):.2f} µs", "-") for name, call in pieces]
    bare = median_us(lambda: span_with(tracer, None), calls)
    full = median_us(lambda: span_with(tracer, captures), calls)
    rows.append(("a bare span of the SDK", f"{bare:.2f} µs", "-"))
    rows.append(("capture and attributes on top of it", f"{full - bare:.2f} µs", "25 µs"))
    return rows + loading()


def loading() -> list[tuple[str, str, str]]:
    """Return what importing costs, and the first capture, beyond the SDK: the best of seven."""
    runs = [
        tuple(map(float, subprocess.check_output([sys.executable, "-c", IMPORT]).split()))
        for _ in range(7)
    ]
    return [
        ("import, beyond the SDK's", f"{min(r[0] for r in runs):.2f} ms", "60 ms"),
        ("the first capture of a process", f"{min(r[1] for r in runs):.2f} ms", "-"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    table("capturing a call", measured(parser.parse_args().calls))


if __name__ == "__main__":
    main()
