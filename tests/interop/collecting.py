"""What the tests of a real Collector share: known traffic, a place to send to, what came out."""

import http.client
import json
from collections import Counter
from contextlib import contextmanager
from functools import cache

import httpx
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from real_collector import Collector, sum_of
from sending import PROTOBUF, WAIT_S, as_flags, exported, multiset, settle
from serving import Served, eventually
from support.sources import ROOT
from test_lossless import as_protobuf_reads, lines_of

RECORDED = sorted((ROOT / "examples" / "traces").glob("*.otlp.jsonl.gz"))
PLAIN = {"embed__model": "none", "redact__enabled": "false"}
"""Nothing is changed on the way in, and no model takes time."""
LANDED_S = 60
"""Longer than a Collector waits between two tries."""
SOON = """
exporters:
  otlp_grpc: {retry_on_failure: {max_interval: 1s}}
"""
"""Over the configuration for tests in which we come back, so that they need not wait as long."""


class Pinned(Served):
    """One `otel-vector serve` that comes back at the same addresses when it is started again."""

    def __init__(self, folder, **settings):
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder)
        self.settings = as_flags({**PLAIN, **settings})

    def start(self, *more):
        super().start(*self.settings, *more)
        names = ("otlp_grpc", "otlp_http", "jaeger_grpc", "api")
        flags = [f"--{name.replace('_', '-')}" for name in names]
        self.addresses = [
            text
            for flag, name in zip(flags, names, strict=True)
            for text in (flag, self.endpoints[name])
        ]
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()


@contextmanager
def both(folder, *overrides, settings=None, **environment):
    """Run a store and a Collector before it."""
    store = Pinned(folder / "store", **(settings or {})).start()
    try:
        target = store.endpoints["otlp_grpc"]
        environment["OTLP_HTTP"] = store.endpoints["otlp_http"]
        collector = Collector(folder / "collector", target, *overrides, **environment)
        try:
            yield store, collector.start()
        finally:
            collector.end()
    finally:
        store.end()


@cache
def recorded(signal, most=None):
    """Return recorded messages of a signal, `traces` or `logs`, serialised; `most` of each file."""
    return [message.SerializeToString() for message in _read(signal, most)]


@cache
def expected(signal, most=None):
    """Return the distinct items of the recorded messages, as a multiset."""
    whole = LogsData() if signal == "logs" else TracesData()
    for message in _read(signal, most):
        whole.MergeFrom(message)
    return Counter(dict.fromkeys(multiset(whole), 1))


def _read(signal, most):
    paths = [path for path in RECORDED if (".logs." in path.name) == (signal == "logs")]
    return [as_protobuf_reads(line) for path in paths for line in lines_of(path)[:most]]


def post(address, signal, body):
    """Send a serialised message to a Collector as an SDK does; it is taken."""
    assert offer(address, signal, body) == 200


def offer(address, signal, body):
    """Send a serialised message to a Collector and return the HTTP status."""
    connection = http.client.HTTPConnection(address, timeout=WAIT_S)
    try:
        connection.request("POST", f"/v1/{signal}", body, PROTOBUF)
        return connection.getresponse().status
    finally:
        connection.close()


def landed(store, spans=0, logs=0, within_s=LANDED_S):
    """Wait until so many spans and log records are stored, and no more are on their way in."""
    stats = {}

    def are_there():
        stats.update(counts(store))
        return stats["spans"] >= spans and stats["logs"] >= logs

    try:
        eventually(are_there, within_s)
    except AssertionError as late:
        raise AssertionError(f"{json.dumps(stats)}\n{store.log()[-2000:]}") from late
    stats = settle(store)
    assert (stats["spans"], stats["logs"]) == (spans, logs)


def counts(store):
    return httpx.get(f"http://{store.endpoints['api']}/v1/stats", timeout=30).json()


def stored(store, signal):
    """Return everything that is stored of a signal, as a multiset."""
    kind = "logs" if signal == "logs" else "spans"
    return multiset(exported(store, signal=kind, runs=["all"]))


def metric(store, name, **labels):
    """Return the sum of a metric of ours over all series with these labels."""
    page = httpx.get(f"http://{store.endpoints['api']}/metrics", timeout=30)
    return sum_of(page.text, name, labels)
