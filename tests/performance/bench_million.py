"""A million spans through the whole product, then questions to them.

    python tests/performance/bench_million.py [SPANS] [DATA]

Sustained ingest, memory, disk, then search by meaning, listings and traces over HTTP, idle and
while ingesting at half the sustained rate.
"""

from __future__ import annotations

import itertools
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from generator import _DOMAINS, operations, requests
from harness import MemorySampler, Sent, Served, quantile, send, serve, table

SPANS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
QUESTIONS = 200


def questions(count: int, seed: int = 3) -> list[str]:
    """Distinct questions in words close to what the generator's spans are about."""
    rng = random.Random(seed)
    table_ = operations()
    ways = ("why does {n} fail", "slow {n} calls", "where do we {n}", "customers who could not {n}",
            "{n} took too long", "which service handles {n}", "{n} returned an error")  # fmt: skip
    asked: dict[str, None] = {}
    while len(asked) < count:
        words = rng.choice(table_)[1].replace("/", " ").replace("{id}", "").split()
        asked[rng.choice(ways).format(n=" ".join(words).lower())] = None
    return list(asked)


def ingest(served: Served) -> tuple[Sent, float, int]:
    """Send everything; return the sending, seconds until all is stored and embedded, memory."""
    bodies = [(r.body, r.spans) for r in requests(SPANS)]  # made before the clock starts
    memory = MemorySampler(served.process.pid)
    start = time.perf_counter()
    sent = send(served.endpoints["otlp_grpc"], bodies)
    done = wait_until_stored(served, SPANS)
    return sent, done - start, memory.stop()


def wait_until_stored(served: Served, spans: int) -> float:
    """Wait until so many spans are countable, acked and embedded; return when that was."""
    shown = time.perf_counter()
    while True:
        stats = served.stats()
        now = time.perf_counter()
        if now - shown > 5:
            print(f"  {stats['spans']:,} stored, {stats['meanings']['pending']:,} texts pending",
                  file=sys.stderr, flush=True)  # fmt: skip
            shown = now
        settled = not stats["inbox"]["pending"] and not stats["meanings"]["pending"]
        if stats["spans"] >= spans and settled:
            return now
        time.sleep(0.2)


def timed(served: Served, calls: list[tuple[str, str, dict | None]]) -> list[float]:
    """Make calls one after the other over one connection; return seconds each."""
    took = []
    with served.api as client:
        client.get("/health")
        for method, path, body in calls:
            began = time.perf_counter()
            client.request(method, path, json=body).raise_for_status()
            took.append(time.perf_counter() - began)
    return took


def search_calls(seed: int) -> list[tuple[str, str, dict | None]]:
    return [("POST", "/v1/search", {"text": text}) for text in questions(QUESTIONS, seed)]


def listing(filter_: str) -> tuple[str, str, dict | None]:
    return "POST", "/v1/search", {"filter": filter_, "group": False, "limit": 20}


def listings(kind: str) -> list[tuple[str, str, dict | None]]:
    rng = random.Random(5)
    made = []
    for number in range(100):
        service = f"{rng.choice(_DOMAINS[:30])}-service"
        made.append(listing({
            "found": f"service:{service} k8s.pod.name:"
                     f"{service.removesuffix('-service')}-{rng.randrange(6)}",
            "nothing": f"service:{service} order.id:none-{number}",
            "range": f"payload.size > {200_000 + number}",
        }[kind]))  # fmt: skip
    return made


def trace_calls() -> list[tuple[str, str, dict | None]]:
    rng = random.Random(9)
    some = itertools.islice(requests(SPANS), max(1, SPANS // 10_000))
    traces = [t for r in some for t in r.trace_ids]
    return [("GET", f"/v1/traces/{rng.choice(traces).hex()}", None) for _ in range(200)]


def worst_filter(served: Served, stop: threading.Event) -> None:
    """Ask the most expensive listing again and again."""
    while not stop.is_set():
        timed(served, listings("range")[:1])


def accept_while_busy(served: Served) -> Sent:
    """Send while the engine works off a backlog and the worst filter runs."""
    stop = threading.Event()
    asker = threading.Thread(target=worst_filter, args=(served, stop))
    asker.start()
    more = [(r.body, r.spans) for r in requests(SPANS // 10, seed=11)]
    sent = send(served.endpoints["otlp_grpc"], more, in_flight=4, rate=40_000)
    stop.set()
    asker.join()
    return sent


def search_while_ingesting(served: Served, rate: float) -> list[float]:
    """Ask questions while spans arrive at a rate; return seconds each."""
    took: list[float] = []
    more = [(r.body, r.spans) for r in requests(int(rate * 20), seed=13)]
    asker = threading.Thread(target=lambda: took.extend(timed(served, search_calls(21))))
    asker.start()
    send(served.endpoints["otlp_grpc"], more, in_flight=2, rate=rate)
    asker.join()
    return took


def ms(values: list[float], *shares: float) -> str:
    return " / ".join(f"{1e3 * quantile(values, share):.1f}" for share in shares)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "data"
        served = serve(data)
        sent, seconds, peak = ingest(served)
        stats = served.stats()
        rate = SPANS / seconds
        rows = [
            ("sustained, accepted → stored and embedded, spans/s", f"{rate:,.0f}", "18,000"),
            ("memory, peak, whole process tree, GB", f"{peak / 1e9:.2f}", "1.5"),
            ("disk per span, all in, KB", f"{stats['disk_bytes'] / stats['spans'] / 1e3:.2f}",
             "0.8"),
            ("busy answers while sending", str(sent.busy), ""),
            ("meanings", f"{stats['meanings']['total']:,}", "5,000"),
        ]  # fmt: skip
        table(f"Ingest of {SPANS:,} spans", rows)
        rows = [
            ("search by meaning, p50 / p99, ms", ms(timed(served, search_calls(3)), 0.5, 0.99),
             "20 / 80"),
            ("newest 20, service + attributes, p99, ms", ms(timed(served, listings("found")), 0.99),
             "100"),
            ("the same, nothing found, p99, ms", ms(timed(served, listings("nothing")), 0.99),
             "600"),
            ("attribute range, nothing found, p99, ms", ms(timed(served, listings("range")), 0.99),
             "1,000"),
            ("trace by id, p50 / p99, ms", ms(timed(served, trace_calls()), 0.5, 0.99), "20"),
        ]  # fmt: skip
        table(f"Questions to {SPANS:,} spans over HTTP, idle", rows)
        busy = accept_while_busy(served)
        wait_until_stored(served, served.stats()["spans"])
        searched = search_while_ingesting(served, rate / 2)
        rows = [
            ("accept, one call, p99, ms", ms(busy.calls_s, 0.99), "100"),
            ("search by meaning while ingesting at half the rate, p50 / p99, ms",
             ms(searched, 0.5, 0.99), "300"),
        ]  # fmt: skip
        table("While the engine is busy", rows)
        served.stop()


if __name__ == "__main__":
    main()
