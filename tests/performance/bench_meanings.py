"""The commonest meanings of many spans, as a dashboard asks for them.

    python tests/performance/bench_meanings.py [SPANS] [DATA]

DATA is a folder that keeps what was sent for the next time. Windows end at the newest span.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import httpx
from generator import requests
from harness import Served, quantile, send, serve, table

SPANS = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
TIMES = 40
HOUR_NS = 3600 * 10**9
WINDOWS = {"1 h": HOUR_NS, "24 h": 24 * HOUR_NS, "6 d": 144 * HOUR_NS, "all": None}
LISTS = (
    ("error", "errors"),
    ("error", "p95"),
    ("operation", "errors"),
    ("operation", "p95"),
    ("operation", "last_seen"),
)


def settle(served: Served) -> None:
    while True:
        stats = served.stats()
        if stats["spans"] >= SPANS and not stats["inbox"]["pending"]:
            return
        time.sleep(0.5)


def newest_ns(client: httpx.Client) -> int:
    answer = client.post("/v1/search", json={"group": False, "limit": 1}).json()
    return int(answer["spans"][0]["start_time_unix_nano"])


def measured(client: httpx.Client) -> list[tuple[str, str, str]]:
    rows, newest = [], newest_ns(client)
    for facet, sort in LISTS:
        for window, length_ns in WINDOWS.items():
            query = {"facet": facet, "sort": sort}
            if length_ns is not None:
                query["since"] = str((newest - length_ns) // 1000 * 1000)
            answer = client.get("/v1/meanings", params=query).raise_for_status().json()
            took = [asked(client, query) for _ in range(TIMES)]
            shown = " / ".join(f"{1e3 * quantile(took, share):.0f}" for share in (0.5, 0.99))
            name = f"{facet} by {sort}, {window} ({answer['found']:,} meanings): p50 / p99 ms"
            rows.append((name, shown, "300"))
    return rows


def asked(client: httpx.Client, query: dict[str, str]) -> float:
    begun = time.perf_counter()
    client.get("/v1/meanings", params=query).raise_for_status()
    return time.perf_counter() - begun


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(temporary) / "data"
        is_new = not data.exists()
        served = serve(data, EMBED_MODEL="none")
        if is_new:
            send(served.endpoints["otlp_grpc"], ((r.body, r.spans) for r in requests(SPANS)))
        settle(served)
        with served.api as client:
            rows = measured(client)
        served.stop()
    table(f"The 20 commonest meanings of {SPANS:,} spans", rows)


if __name__ == "__main__":
    main()
