"""Jaeger's questions to a million spans: through our storage, and to Jaeger with Badger beside.

    python tests/performance/bench_jaeger.py [SPANS] [DATA] [JAEGER]

DATA is a folder that keeps what was sent for the next time. JAEGER is the program of a real
Jaeger v2 (`make test-interop` builds one): with it the same searches are put to its HTTP API with
our storage behind it, and to one that has the same spans in Badger.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from generator import _DOMAINS, DAYS, requests
from harness import Served, quantile, send, serve, table
from support.jaeger import Storage

SPANS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
SEARCHES = 200
LARGE = 10_008
SECOND = 1_000_000_000
COMMON = """
service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [jaeger_storage_exporter]}
  telemetry: {metrics: {level: none}, logs: {level: error}}
extensions:
  healthcheckv2: {use_v2: true, http: {endpoint: "127.0.0.1:0"}}
  jaeger_query:
    storage: {traces: it}
    http: {endpoint: "127.0.0.1:PORT_HTTP"}
    grpc: {endpoint: "127.0.0.1:0"}
  jaeger_storage: {backends: {it: BACKEND}}
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:PORT_OTLP", max_recv_msg_size_mib: 64}}}}
processors: {batch: }
exporters: {jaeger_storage_exporter: {trace_storage: it}}
"""


def searches(seed: int = 5) -> list[dict]:
    """Searches by service, tag and duration, of all selectivities."""
    rng = random.Random(seed)
    made = []
    for _ in range(SEARCHES):
        domain = rng.choice(_DOMAINS)
        tags = rng.choice(
            (
                {"customer.tier": rng.choice(("gold", "silver"))},
                {"k8s.pod.name": f"{domain}-{rng.randrange(6)}"},
                {"http.response.status_code": "500"},
                {"error": "true"},
                {"customer.tier": "gold", "http.response.status_code": "404"},
            )
        )
        least_ms = rng.choice((5, 20, 50, 100, 200))
        made.append(
            {"service": f"{domain}-service", "tags": tags, "duration_min": least_ms * 10**6}
        )
    return made


def timed(work: Callable[[dict], int], asked: list[dict]) -> tuple[list[float], int]:
    took, found = [], 0
    for one in asked:
        begun = time.perf_counter()
        found += work(one)
        took.append(time.perf_counter() - begun)
    return took, found


def ms(values: list[float]) -> str:
    shown = (1e3 * quantile(values, share) for share in (0.5, 0.99))
    return " / ".join(f"{value:.1f}" for value in shown)


def settle(served: Served, spans: int) -> None:
    while True:
        stats = served.stats()
        if stats["spans"] >= spans and not stats["inbox"]["pending"]:
            return
        time.sleep(0.5)


def large() -> str:
    """Write a trace of 10,008 spans into a folder of its own, and read it."""
    trace_id = random.Random(9).randbytes(16)
    bodies = [(_of_one_trace(r.body, trace_id), r.spans) for r in requests(LARGE, seed=9)]
    with tempfile.TemporaryDirectory() as folder:
        served = serve(Path(folder) / "data", EMBED_MODEL="none")
        send(served.endpoints["jaeger_grpc"], bodies, in_flight=2)
        settle(served, LARGE)
        with grpc.insecure_channel(served.endpoints["jaeger_grpc"]) as channel:
            begun = time.perf_counter()
            ((_, spans),) = Storage(channel).traces(trace_id)
            took = time.perf_counter() - begun
        served.stop()
    assert len(spans) == LARGE
    return f"{took:.2f}"


def _of_one_trace(body: bytes, trace_id: bytes) -> bytes:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    message = ExportTraceServiceRequest.FromString(body)
    for resource in message.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                span.trace_id = trace_id
    return message.SerializeToString()


def directly(served: Served) -> None:
    """Ask our storage as Jaeger asks it."""
    with grpc.insecure_channel(served.endpoints["jaeger_grpc"]) as channel:
        storage = Storage(channel)
        storage.services()
        took, found = timed(lambda asked: len(storage.find(**asked)), searches())
        nothing = [{**one, "tags": {"customer.tier": "lead"}} for one in searches()[:40]]
        missed, _ = timed(lambda asked: len(storage.find(**asked)), nothing)
        brief, _ = timed(lambda asked: len(storage.summaries(**asked)), searches())
        services, _ = timed(lambda _: len(storage.services()), [{}] * 50)
        now_s = int(time.time())
        maps, _ = timed(
            lambda _: len(storage.dependencies(now_s - DAYS * 86_400, now_s + 60)), [{}] * 2
        )
    rows = [
        ("FindTraces, service + tag + duration, p50 / p99, ms", ms(took), "p99 300 (aim 100)"),
        ("traces found in all", f"{found:,}", ""),
        ("the same, no span has the tag, p50 / p99, ms", ms(missed), ""),
        ("FindTraceSummaries, the same searches, p50 / p99, ms", ms(brief), ""),
        ("GetServices, p50 / p99, ms", ms(services), ""),
        ("GetDependencies, seven days, first / again, s",
         " / ".join(f"{value:.2f}" for value in maps), ""),
        ("a trace of 10,008 spans, s", large(), "3 (aim 1)"),
    ]  # fmt: skip
    table(f"Jaeger's questions to {served.stats()['spans']:,} spans", rows)


@contextmanager
def jaeger(program: Path, backend: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Run a Jaeger; yield its OTLP address and its query URL."""
    ports = _free_ports()
    config = COMMON.replace("PORT_HTTP", str(ports[0])).replace("PORT_OTLP", str(ports[1]))
    path = folder / "jaeger.yaml"
    path.write_text(config.replace("BACKEND", backend))
    log = (folder / "jaeger.log").open("ab")
    process = subprocess.Popen([program, "--config", path], stdout=log, stderr=log, cwd=folder)
    url = f"http://127.0.0.1:{ports[0]}"
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{url}/api/services").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield f"127.0.0.1:{ports[1]}", url
    finally:
        process.terminate()
        process.wait(120)


def _free_ports() -> list[int]:
    import socket

    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [bound.getsockname()[1] for bound in sockets]
    for bound in sockets:
        bound.close()
    return ports


def over_http(url: str) -> tuple[list[float], int]:
    """Put the searches to a Jaeger's HTTP API, as its UI did."""
    now_us = time.time_ns() // 1000
    window = {"start": now_us - (DAYS + 1) * 86_400 * 10**6, "end": now_us + 10**6, "limit": 20}
    with httpx.Client(timeout=60) as client:

        def ask(asked: dict) -> int:
            parameters = {
                "service": asked["service"],
                "tags": json.dumps(asked["tags"]),
                "minDuration": f"{asked['duration_min'] // 10**6}ms",
            }
            answer = client.get(f"{url}/api/traces", params={**window, **parameters})
            return len(answer.raise_for_status().json()["data"])

        return timed(ask, searches())


def beside_badger(served: Served, program: Path, folder: Path) -> None:
    """Compare with Badger: the same spans, the same program, the same searches."""
    ours = f'{{grpc: {{endpoint: "{served.endpoints["jaeger_grpc"]}", tls: {{insecure: true}}}}}}'
    with jaeger(program, ours, folder) as (_, url):
        our_took, our_found = over_http(url)
    store = folder / "badger"
    badger = (
        f"{{badger: {{directories: {{keys: {store}/keys, values: {store}/values}}, ephemeral: false,"
        " ttl: {spans: 720h}}}"
    )
    with jaeger(program, badger, folder) as (otlp, url):
        sent = send(otlp, ((r.body, r.spans) for r in requests(SPANS)), in_flight=4)
        time.sleep(5)
        their_took, their_found = over_http(url)
    rows = [
        ("Jaeger over otel-vector, p50 / p99, ms", ms(our_took), ""),
        ("Jaeger over Badger, p50 / p99, ms", ms(their_took), "not quicker"),
        ("traces found: otel-vector / Badger", f"{our_found:,} / {their_found:,}", ""),
        ("Badger took in, spans/s (not synced)", f"{sent.rate:,.0f}", ""),
    ]
    table(f"The same {SEARCHES} searches through Jaeger's HTTP API, {SPANS:,} spans", rows)


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        data = Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "data"
        served = serve(data, EMBED_MODEL="none")
        try:
            missing = SPANS - served.stats()["spans"]
            if missing > 0:
                send(served.endpoints["otlp_grpc"], ((r.body, r.spans) for r in requests(SPANS)))
                settle(served, SPANS)
            directly(served)
            if len(sys.argv) > 3:
                beside_badger(served, Path(sys.argv[3]), folder)
        finally:
            served.stop()


if __name__ == "__main__":
    main()
