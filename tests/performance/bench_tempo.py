"""Grafana's questions by TraceQL to many spans, through Tempo's HTTP API.

    python tests/performance/bench_tempo.py [SPANS] [DATA]

DATA is a folder that keeps what was sent for the next time.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import httpx
from generator import _DOMAINS, requests
from harness import Served, quantile, send, serve, table

SPANS = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
TIMES = 40
RNG = random.Random(5)


def domain() -> str:
    return RNG.choice(_DOMAINS)


SHAPES = {
    "service, attribute, duration": lambda: (
        f'{{resource.service.name="{domain()}-service" && '
        f'span.customer.tier="{RNG.choice(("gold", "silver"))}" && '
        f"duration>{RNG.choice((5, 20, 50, 100, 200))}ms}}"
    ),
    "service, status, number": lambda: (
        f'{{resource.service.name="{domain()}-service" && status=error && '
        "span.http.response.status_code>=500}"
    ),
    "a value of one span": lambda: f'{{span.order.id="order-{RNG.getrandbits(40):x}"}}',
    "not equal, regex": lambda: (
        f'{{resource.service.name="{domain()}-service" && '
        'span.http.response.status_code!=200 && span.k8s.pod.name=~".*-[0-3]"}'
    ),
    "name of the root, error": lambda: (
        f'{{rootServiceName="{domain()}-service" && status=error}}'
    ),
    "duration of the trace": lambda: f"{{traceDuration>{RNG.choice((100, 200))}ms}}",
    "everything": lambda: "{}",
}  # fmt: skip


def settle(served: Served) -> None:
    while True:
        stats = served.stats()
        if stats["spans"] >= SPANS and not stats["inbox"]["pending"]:
            return
        time.sleep(0.5)


def asked(client: httpx.Client, query: str) -> tuple[float, int]:
    begun = time.perf_counter()
    answer = client.get("/tempo/api/search", params={"q": query, "limit": 20, "spss": 3})
    took = time.perf_counter() - begun
    return took, len(answer.json()["traces"]) if answer.status_code == httpx.codes.OK else -1


def measured(client: httpx.Client) -> list[tuple[str, str, str]]:
    rows = []
    for shape, query in SHAPES.items():
        asked(client, query())  # what the first question of its kind loads is not measured
        results = [asked(client, query()) for _ in range(TIMES)]
        took = [seconds for seconds, _ in results]
        found = sum(max(0, count) for _, count in results) / TIMES
        refused = sum(count < 0 for _, count in results)
        shown = " / ".join(f"{1e3 * quantile(took, share):.1f}" for share in (0.5, 0.99))
        shown += f" ({found:.1f} traces, {refused} refused)"
        rows.append((f"{shape}: p50 / p99 ms", shown, "300 at p99"))
    return rows


def trace_reads(client: httpx.Client) -> tuple[str, str, str]:
    listed = client.get("/tempo/api/search", params={"limit": 200}).json()["traces"]
    took = []
    for trace in listed:
        begun = time.perf_counter()
        client.get(
            f"/tempo/api/v2/traces/{trace['traceID']}", headers={"accept": "application/protobuf"}
        ).raise_for_status()
        took.append(time.perf_counter() - begun)
    shown = " / ".join(f"{1e3 * quantile(took, share):.1f}" for share in (0.5, 0.99))
    return "a trace by id: p50 / p99 ms", shown, ""


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(temporary) / "data"
        is_new = not data.exists()
        served = serve(data, EMBED_MODEL="none")
        if is_new:
            send(served.endpoints["otlp_grpc"], ((r.body, r.spans) for r in requests(SPANS)))
        settle(served)
        with served.api as client:
            rows = [*measured(client), trace_reads(client)]
        served.stop()
    table(f"{SPANS:,} spans, searches by TraceQL for 20 traces", rows)


if __name__ == "__main__":
    main()
