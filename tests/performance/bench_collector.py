"""telemetrygen to a real Collector to us, all on this machine: what is sustained, and what it costs.

    python tests/performance/bench_collector.py [RATE] [SECONDS]

RATE is spans a second that are offered. What counts is the rate at which they were stored: all of
them, over the time from the first one's start until the last one could be read. The Collector
runs the configuration we ship.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "interop"))

from harness import Served, serve, table
from real_collector import Collector, generating

RATE = int(sys.argv[1]) if len(sys.argv) > 1 else 12_000
SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 30
MUST, AIM = 6_000, 10_000
STORED_S = 600
BATCH = "512"
WORKERS = 16
"""Each of them sleeps before each span, so one alone is far from such rates."""


def cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def door_of(served: Served) -> psutil.Process:
    """Return the process of the doors, which works more than any other child of ours."""
    return max(psutil.Process(served.process.pid).children(), key=cpu_s)


def offer(collector: Collector) -> tuple[int, float]:
    """Run telemetrygen to its end; return the spans it generated and its CPU seconds."""
    each = RATE // WORKERS
    flags = ("--batch-size", BATCH, "--workers", str(WORKERS))
    with generating("traces", collector.grpc, each * SECONDS // 2, *flags, rate=each) as load:
        watched, used = psutil.Process(load.pid), 0.0
        while load.poll() is None:
            used = cpu_s(watched)
            time.sleep(0.2)
        printed = load.stdout.read()
    assert load.returncode == 0, printed[-2000:]
    made = re.findall(r'"traces": (\d+)', printed)
    assert len(made) == WORKERS, printed[-2000:]
    return 2 * sum(map(int, made)), used


def stored(served: Served, spans: int) -> int:
    """Wait until so many spans are stored; return how many there are then or in the end."""
    deadline = time.monotonic() + STORED_S
    while time.monotonic() < deadline:
        found = served.stats()["spans"]
        if found >= spans:
            return found
        time.sleep(0.2)
    return served.stats()["spans"]


def measure(served: Served, collector: Collector) -> None:
    began = time.perf_counter()
    generated, generator_s = offer(collector)
    offered_s = time.perf_counter() - began
    behind = generated - served.stats()["spans"]
    found = stored(served, generated)
    took_s = time.perf_counter() - began
    parts = {
        "telemetrygen": generator_s,
        "the Collector": cpu_s(psutil.Process(collector.process.pid)),
        "otel-vector, doors": cpu_s(door_of(served)),
        "otel-vector, worker and engine": cpu_s(psutil.Process(served.process.pid)),
    }
    rows = [
        ("generated / stored, spans", f"{generated:,} / {found:,}", "equal"),
        ("offered, spans/s", f"{generated / offered_s:,.0f}", ""),
        ("stored, spans/s", f"{found / took_s:,.0f}", f"{MUST:,} (aim {AIM:,})"),
        ("not stored yet when the load ended, spans", f"{behind:,}", ""),
        *((f"CPU, {name}, s", f"{used:.1f}", "") for name, used in parts.items()),
        ("CPU in all, µs a span", f"{1e6 * sum(parts.values()) / found:.0f}", ""),
    ]
    table("telemetrygen → Collector → otel-vector", rows)


def main() -> None:
    if shutil.which("go") is None:
        print("Go is missing, which builds the Collector and telemetrygen; nothing was measured")
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        served = serve(folder / "data")
        try:
            target = served.endpoints["otlp_grpc"]
            collector = Collector(folder / "collector", target).start()
            try:
                measure(served, collector)
            finally:
                collector.end()
        finally:
            served.stop()


if __name__ == "__main__":
    main()
