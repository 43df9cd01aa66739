"""kill -9 at random moments and at named stages: nothing acknowledged is lost or doubled.

`CRASH_ROUNDS` sets the number of rounds (12 by default; `make crash` runs 50). Each
round starts a server, sends spans and logs with resends of earlier ones in other batches, and
the server dies at a stage drawn for the round. Afterwards every acknowledged span is there
once, and what the points say equals what the decoded blocks say.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import grpc
import httpx
import psutil
from traffic import Traffic

from otel_vector.describe.describer import Describer
from otel_vector.settings.config import DescribeConfig, StoreConfig
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import Item, logs_data, traces_data
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import SpanReader
from otel_vector.store.edge import EdgeStore

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "12"))
SHARD_POINTS = 700
_EDGE = "otel_vector.store.edge"
STAGES = (
    "",  # at a random moment
    "doors",  # only the receiving process, at a random moment
    f"{_EDGE}.blocks:BlockFile.add:before",
    f"{_EDGE}.blocks:BlockFile.add:after",
    f"{_EDGE}.shard:SpanShard.insert:before",
    f"{_EDGE}.shard:SpanShard.insert:after",
    f"{_EDGE}.shard:SpanShard.flush:before",
    f"{_EDGE}.shard:SpanShard.flush:after",
    f"{_EDGE}.shard:_add_indexes:before",
    f"{_EDGE}.shard:_add_indexes:after",
    f"{_EDGE}.manifest:Manifest.list_shard:before",
    f"{_EDGE}.manifest:Manifest.list_shard:after",
    f"{_EDGE}.manifest:Manifest.save:before",
    f"{_EDGE}.manifest:Manifest.wait:before",
    f"{_EDGE}.joins:Joins._unite:before",
    f"{_EDGE}.joins:Joins._unite:after",
    f"{_EDGE}.joins:_set_missing:after",
    f"{_EDGE}.skip:Skip.save:before",
    f"{_EDGE}.meanings:EdgeMeanings.add:before",
    f"{_EDGE}.meanings:EdgeMeanings.fill:before",
    f"{_EDGE}.meanings:EdgeMeanings.fill:after",
    "otel_vector.inbox.sqlite:SqliteInbox.ack:before",
    "otel_vector.inbox.sqlite:SqliteInbox.ack:after",
)


class Server:
    """A server process on free ports over one data folder."""

    def __init__(self, data: Path, stage: str = "", count: int = 1) -> None:
        faults = Path(__file__).parent / "faults"
        environment = {
            **os.environ,
            "PYTHONPATH": f"{faults}:{os.environ.get('PYTHONPATH', '')}",
            "CRASH_AT": f"{stage}:{count}" if ":" in stage else "",
            "OTEL_VECTOR_STORE_SPAN_SHARD_POINTS": str(SHARD_POINTS),
            "OTEL_VECTOR_INGEST_CHECKPOINT_S": "0.2",
        }
        command = Path(sys.executable).parent / "otel-vector"
        ports = ["--otlp-grpc", "127.0.0.1:0", "--otlp-http", "", "--api", "127.0.0.1:0"]
        ports += ["--jaeger-grpc", "off"]
        with (data.parent / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [command, "serve", "--data", data, *ports],
                env=environment, stdout=log, stderr=log,
            )  # fmt: skip
        self.endpoints = self._endpoints(data / "endpoints.json")

    def _endpoints(self, file: Path) -> dict[str, str] | None:
        """Return the addresses; None if the process died before it was ready."""
        deadline = time.monotonic() + 300
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                endpoints = json.loads(file.read_text())
                if endpoints["pid"] == self.process.pid:
                    return endpoints
            time.sleep(0.05)
        assert self.process.poll() is not None, "the server neither started nor ended"
        return None

    def kill(self, *, doors_only: bool) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children()
            for victim in children if doors_only else [psutil.Process(self.process.pid)]:
                victim.kill()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(300) == 0


def one_round(data: Path, traffic: Traffic, number: int) -> None:
    """Run a server until it dies: at its stage, if the round has one."""
    stage = STAGES[number % len(STAGES)]
    server = Server(data, stage, traffic.rng.randrange(1, 4))
    if server.endpoints is not None:
        if ":" in stage:
            send_until_dead(server, traffic)
        else:
            send_until_killed(server, traffic, doors_only=stage == "doors")
    server.kill(doors_only=False)
    assert server.process.wait(300) == -signal.SIGKILL, f"{stage}: ended in another way"


def send_until_dead(server: Server, traffic: Traffic) -> None:
    """Send until the server reaches the stage at which it dies, however many batches it takes."""
    deadline = time.monotonic() + 600
    while server.process.poll() is None:
        assert time.monotonic() < deadline, "the stage was never reached"
        with contextlib.suppress(grpc.RpcError):
            traffic.run(server.endpoints["otlp_grpc"], 2)


def send_until_killed(server: Server, traffic: Traffic, *, doors_only: bool) -> None:
    """Send, and kill the server, or only its doors, at a random moment meanwhile."""
    delay_s = traffic.rng.uniform(0.05, 1.2)
    late = threading.Timer(delay_s, server.kill, kwargs={"doors_only": doors_only})
    late.start()
    with contextlib.suppress(grpc.RpcError):
        traffic.run(server.endpoints["otlp_grpc"], 14)
    late.join()


def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    data, traffic = tmp_path / "data", Traffic(seed=20)
    for number in range(ROUNDS):
        one_round(data, traffic, number)
    server = Server(data)
    assert server.endpoints is not None
    traffic.resend_unsure(server.endpoints["otlp_grpc"])
    assert_every_span_once(f"http://{server.endpoints['api']}", traffic)
    server.stop()
    assert traffic.acked and traffic.logs
    assert_points_equal_blocks(data / "store", traffic)


def assert_every_span_once(api: str, traffic: Traffic) -> None:
    with httpx.Client(base_url=api, timeout=120) as client:
        wait_until_settled(client)
        stats = client.get("/v1/stats").json()
        assert stats["inbox"]["dead"] == 0
        assert stats["spans"] == len(traffic.acked)
        for trace_id, span_id in traffic.acked:
            answer = client.get(f"/v1/traces/{trace_id.hex()}").raise_for_status().json()
            assert [span["span_id"] for span in answer["spans"]] == [span_id.hex()]


def wait_until_settled(client: httpx.Client) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        stats = client.get("/v1/stats").json()
        if not stats["inbox"]["pending"] and not stats["meanings"]["pending"]:
            return
        time.sleep(0.2)
    raise AssertionError(f"not settled: {stats}")


def assert_points_equal_blocks(folder: Path, traffic: Traffic) -> None:
    """Facets and counts of the points are those that the decoded items give when described."""
    config = StoreConfig(span_shard_points=SHARD_POINTS)
    header = json.loads((folder / "store.json").read_text())
    store = EdgeStore(folder, config, header["model"], header["dimension"])
    reader = store.tenant(Tenant("default")).reader
    spans, logs = everything(reader, Signal.SPANS), everything(reader, Signal.LOGS)
    assert len(spans) == len(traffic.acked)
    assert {item.message.SerializeToString() for item in logs} >= set(traffic.logs)
    expected = described(spans, logs)
    assert {item.id: set(item.meanings) for item in spans} == expected
    counted = Counter(m for item in spans if item.run == "live" for m in expected[item.id])
    assert reader.candidates(Signal.SPANS, Where()) == dict(counted)
    tallies = reader.tally(Signal.SPANS, Where(), list(counted))
    assert {meaning: tally.count for meaning, tally in tallies.items()} == dict(counted)
    for meaning, tally in tallies.items():
        starts = [i.start_ns for i in spans if i.run == "live" and meaning in i.meanings]
        assert (tally.first_ns, tally.last_ns) == (min(starts), max(starts))
    store.close()


def everything(reader: SpanReader, signal: Signal) -> list[Item]:
    items: list[Item] = []
    cursor = None
    while True:
        page = reader.find(signal, Where(runs=()), 500, cursor)
        items += page.items
        cursor = page.next
        if cursor is None:
            assert len({item.id for item in items}) == len(items)
            return items


def described(spans: list[Item], logs: list[Item]) -> dict[str, set[int]]:
    describer = Describer(DescribeConfig(), Tenant("default"))
    joined: dict[bytes, set[int]] = {}
    for join in describer.logs(logs_data(logs)).joins:
        joined.setdefault(join.trace_id + join.span_id, set()).update(join.meanings)
    batch = describer.traces(traces_data(spans))
    ids = [t + s for t, s in zip(batch.trace_ids, batch.span_ids, strict=True)]
    return {
        span_id: set(meanings) | joined.get(key, set())
        for span_id, meanings, key in zip(batch.ids, batch.meanings, ids, strict=True)
    }
