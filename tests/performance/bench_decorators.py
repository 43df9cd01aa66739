"""What a decorator costs a call on the caller's thread, beside the span that the SDK makes by hand.

Calls of all kinds take turns, so that whatever else the machine does is shared by all; each time is
that of the call alone, the middle one (p50) and the mean of the quickest nine tenths.

    python tests/performance/bench_decorators.py
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter_ns

from harness import table
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from otel_vector import trace_span, vectorize
from otel_vector.instrument.plan import Plan
from otel_vector.instrument.wrapping import wrapped

ROUNDS = 40
CALLS = 250  # of each kind in a round
IMPORTS = 7
TEXT = "x" * 180  # some 200 bytes as JSON, with the names around it

PROVIDER = TracerProvider(shutdown_on_exit=False)
trace.set_tracer_provider(PROVIDER)
TRACER = trace.get_tracer("bench", "1")


def same(text: str) -> str:
    return text


async def same_later(text: str) -> str:
    return text


def by_hand(text: str) -> str:
    with TRACER.start_as_current_span("same"):
        return same(text)


async def by_hand_later(text: str) -> str:
    with TRACER.start_as_current_span("same_later"):
        return await same_later(text)


CAPTURE = {"capture_inputs": True, "capture_return_value": True}
WHOLE = Plan(capture_inputs=True, capture_return_value=True)
CALLED = {
    "the function alone": same,
    "a span by hand, start_as_current_span": by_hand,
    "trace_span": trace_span(same),
    "vectorize": vectorize("Gives back a text")(same),
    "vectorize, arguments and result of 200 bytes": vectorize("Same", **CAPTURE)(same),
    "vectorize, arguments and result, not sampled": wrapped(
        same, WHOLE, TracerProvider(ALWAYS_OFF, shutdown_on_exit=False)
    ),
}
AWAITED = {
    "async: the function alone": same_later,
    "async: a span by hand": by_hand_later,
    "async: trace_span": trace_span(same_later),
    "async: vectorize, arguments and result of 200 bytes": vectorize("Same", **CAPTURE)(
        same_later
    ),
}


def timed(call: Callable[[str], object], into: list[int]) -> None:
    for _ in range(CALLS):
        began = perf_counter_ns()
        call(TEXT)
        into.append(perf_counter_ns() - began)


async def timed_later(call: Callable[[str], object], into: list[int]) -> None:
    for _ in range(CALLS):
        began = perf_counter_ns()
        await call(TEXT)
        into.append(perf_counter_ns() - began)


async def measure() -> dict[str, list[int]]:
    taken: dict[str, list[int]] = {name: [] for name in (*CALLED, *AWAITED)}
    for _ in range(ROUNDS):
        for name, call in CALLED.items():
            timed(call, taken[name])
        for name, call in AWAITED.items():
            await timed_later(call, taken[name])
    return taken


def times(taken_ns: list[int]) -> tuple[float, float]:
    """Return p50 and mean, in µs."""
    ordered = sorted(taken_ns)
    most = ordered[: len(ordered) * 9 // 10]
    return statistics.median(ordered) / 1000, statistics.fmean(most) / 1000


def import_ms() -> float:
    """Return what importing the decorators takes beyond the SDK; the quickest of some runs."""
    code = (
        "import opentelemetry.sdk.trace, time; began = time.perf_counter();"
        "from otel_vector import vectorize; print((time.perf_counter() - began) * 1000)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True) for _ in range(IMPORTS)]  # fmt: skip
    return min(float(run.stdout) for run in runs)


def main() -> None:
    taken = asyncio.run(measure())
    by_name = {name: times(ns) for name, ns in taken.items()}
    base = {
        **dict.fromkeys(CALLED, by_name["a span by hand, start_as_current_span"][0]),
        **dict.fromkeys(AWAITED, by_name["async: a span by hand"][0]),
    }
    rows = [
        (f"{name}, µs", f"p50 {p50:.1f} ({p50 - base[name]:+.1f}), mean {mean:.1f}", must(name))
        for name, (p50, mean) in by_name.items()
    ]
    rows.append(
        (
            "import of otel_vector's decorators beyond the SDK, ms",
            f"{import_ms():.0f}",
            "60, aim 20",
        )
    )
    table("Decorators (in brackets: beyond the span by hand)", rows)


def must(name: str) -> str:
    """Return what may be added, in µs, and what is aimed at."""
    if "by hand" in name or "alone" in name or "sampled" in name:
        return ""
    return "+25, aim +12" if "200 bytes" in name else "+5, aim +2"


if __name__ == "__main__":
    main()
