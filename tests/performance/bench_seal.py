"""A store that grows: memory, disk and questions with sealed shards.

    python tests/performance/bench_seal.py [SPANS]

Ingest with sealing on, a restart, questions to what is sealed; questions while shards are sealed;
spans spread over a thousand days. With 5,000,000 spans it takes some ten minutes.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench_million import ms, search_calls, timed, wait_until_stored
from generator import Request, _request, operations, requests
from harness import MemorySampler, Served, send, serve, table

SPANS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
DAY_NS = 86_400 * 10**9
QUICK = {"STORE_SEAL_EVERY_S": "1"}


def wait_until_sealed(served: Served) -> dict:
    """Wait until every shard is sealed."""
    while (stats := served.stats())["sealed_shards"] < stats["shards"]:
        time.sleep(0.5)
    return stats


def filtered(seed: int) -> list[tuple[str, str, dict | None]]:
    """The same questions under a condition that no summary answers."""
    calls = search_calls(seed)
    return [(m, p, {**(body or {}), "filter": "status:error"}) for m, p, body in calls]


def grow(data: Path) -> None:
    """Ingest, restart, ask."""
    served = serve(data, **QUICK)
    memory = MemorySampler(served.process.pid)
    for first in range(0, SPANS, 1_000_000):  # made in parts: the sender's memory is not ours
        part = min(1_000_000, SPANS - first)
        bodies = [(r.body, r.spans) for r in requests(part, seed=first + 1)]
        send(served.endpoints["otlp_grpc"], bodies)
        wait_until_stored(served, first + part)
    peak = memory.stop()
    served.stop()
    served = serve(data, STORE_SEAL_IDLE_S="5", **QUICK)
    ready = MemorySampler(served.process.pid).now()
    stats = wait_until_sealed(served)
    served.stop()
    served = serve(data)
    first = timed(served, [*search_calls(5)[:1], *filtered(5)[:1]])
    plain, narrowed = timed(served, search_calls(3)), timed(served, filtered(4))
    asked = MemorySampler(served.process.pid).now()
    table(f"{SPANS:,} spans, {stats['sealed_shards']} sealed shards", [
        ("memory, peak while ingesting, MB", f"{peak / 1e6:.0f}", "1,200 (1 M)"),
        ("memory right after a restart, before sealing, MB", f"{ready / 1e6:.0f}", "400 (1 M), 800 (5 M)"),
        ("memory after a restart, sealed, 420 questions, MB", f"{asked / 1e6:.0f}", "400 (1 M), 800 (5 M)"),
        ("first question, first with a condition, ms", ms(first[:1], 0) + ", " + ms(first[1:], 0), ""),
        ("search by meaning, p50 / p99, ms", ms(plain, 0.5, 0.99), "120"),
        ("the same with status:error, p50 / p99, ms", ms(narrowed, 0.5, 0.99), "400"),
        ("disk per span, all in, KB", f"{stats['disk_bytes'] / stats['spans'] / 1e3:.3f}", "0.6"),
    ])  # fmt: skip
    served.stop()


def ask_while_sealing(data: Path) -> None:
    """Fill shards without sealing, then ask all the time while they are sealed."""
    served = serve(data, STORE_SEAL_EVERY_S="0", STORE_SEAL_IDLE_S="0")
    send(served.endpoints["otlp_grpc"], [(r.body, r.spans) for r in requests(SPANS, seed=2)])
    wait_until_stored(served, SPANS)
    timed(served, search_calls(5)[:20])
    took: list[float] = []
    sealed = threading.Event()

    def ask() -> None:
        calls = search_calls(6)
        while not sealed.is_set():
            took.extend(timed(served, calls[:20]))

    asker = threading.Thread(target=ask)
    asker.start()
    began = time.perf_counter()
    timed(served, [("POST", "/v1/jobs", {"kind": "seal"})])
    stats = wait_until_sealed(served)
    seconds = time.perf_counter() - began
    sealed.set()
    asker.join()
    table(f"Questions while {stats['shards']} shards were sealed in {seconds:.0f} s", [
        ("questions, none failed", f"{len(took):,}", "0 failed"),
        ("slowest, ms", ms(took, 1.0), "300"),
        ("p50 / p99, ms", ms(took, 0.5, 0.99), ""),
    ])  # fmt: skip
    served.stop()


def over_days(days: int, spans: int) -> list[Request]:
    """Spans of which each begins on a day of its own choice."""
    rng, picks = random.Random(8), operations()
    now_ns = time.time_ns()
    return [
        _request(rng, rng.choices(picks, k=10), now_ns - rng.randrange(days) * DAY_NS, 1_000_000)
        for _ in range(spans // 10)
    ]


def open_shards(served: Served) -> int:
    """Count the shards whose files the process has mapped."""
    maps = Path(f"/proc/{served.process.pid}/maps").read_text(encoding="ascii")
    return len({line.split("/segments/")[0].split()[-1] for line in maps.splitlines()
                if "/segments/" in line})  # fmt: skip


def spread(data: Path) -> None:
    """Import spans of a thousand days, then ask."""
    served = serve(data, **QUICK)
    memory = MemorySampler(served.process.pid)
    began = time.perf_counter()
    send(served.endpoints["otlp_grpc"], [(r.body, r.spans) for r in over_days(1_000, 100_000)])
    wait_until_stored(served, 100_000)
    seconds = time.perf_counter() - began
    took = timed(served, search_calls(7)[:50])
    table("100,000 spans over 1,000 days, then 50 questions", [
        ("seconds", f"{seconds:.0f}", ""),
        ("shards open at most (with the meanings')", f"{open_shards(served)}", "64 + 1"),
        ("memory, peak, MB", f"{memory.stop() / 1e6:.0f}", "1,000"),
        ("search by meaning, p50 / p99, ms", ms(took, 0.5, 0.99), ""),
    ])  # fmt: skip
    served.stop()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        grow(Path(folder) / "grown")
        ask_while_sealing(Path(folder) / "sealed")
        spread(Path(folder) / "spread")


if __name__ == "__main__":
    main()
