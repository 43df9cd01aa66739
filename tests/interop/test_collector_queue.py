"""A real Collector and we are stopped, killed and filled up: nothing is lost, nothing is there twice."""

import os
import signal
import threading
import time
from http.client import HTTPException

import pytest
from collecting import SOON, both, counts, landed, metric, offer, stored
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from real_collector import generate, generating
from serving import eventually

from otel_vector.spans.batch import assemble
from otel_vector.testing.builders import SpanRow, batch_of

TRACES = 4_000
RATE = 1_600  # spans a second: five seconds of load
BUSY = {"inbox__max_bytes": 200_000}
SMALL_BATCHES = """
exporters:
  otlp_grpc: {sending_queue: {batch: {min_size: 20000, max_size: 40000}}}
"""
PER_REQUEST = 50


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_our_restart_in_the_middle_of_load_loses_and_doubles_nothing(tmp_path, end):
    with both(tmp_path, SOON) as (store, collector):
        with generating("traces", collector.grpc, TRACES, rate=RATE) as load:
            eventually(lambda: counts(store)["spans"] > 0)
            getattr(store, end)()
            assert load.poll() is None, "the load was over before the restart"
            store.start()
            printed, _ = load.communicate(timeout=60)
        assert load.returncode == 0, printed[-2000:]
        landed(store, spans=2 * TRACES)


def test_what_a_killed_collector_acknowledged_arrives_after_its_restart(tmp_path):
    """Its queue was full of what it could not deliver, since we were away."""
    with both(tmp_path, SOON) as (store, collector):
        store.stop()
        generate("traces", collector.grpc, TRACES)
        generate("logs", collector.grpc, TRACES)
        collector.kill()
        store.start()
        collector.start()
        landed(store, spans=2 * TRACES, logs=TRACES)


def test_a_collector_killed_while_it_delivers_loses_and_doubles_nothing(tmp_path):
    """Its senders repeat what it did not acknowledge, as SDKs do."""
    with both(tmp_path, SOON) as (store, collector):
        acknowledged = threading.Semaphore(0)
        requests = [request(number) for number in range(200)]

        def deliver():
            for body in requests:
                deliver_one(collector, body)
                acknowledged.release()

        sender = threading.Thread(target=deliver)
        sender.start()
        for at in (40, 80, 120):
            for _ in range(40):
                assert acknowledged.acquire(timeout=60), f"no {at} requests were acknowledged"
            collector.kill()
            collector.start()
        sender.join(60)
        landed(store, spans=len(requests) * PER_REQUEST)
        assert set(stored(store, "traces").values()) == {1}


def request(number):
    rows = [
        SpanRow(trace=number + 1, span=n + 1, parent=int(n > 0), name=f"step {n}", service="shop")
        for n in range(PER_REQUEST)
    ]
    batch = batch_of(rows)
    return TracesData.FromString(assemble(batch, range(len(batch)))).SerializeToString()


def deliver_one(collector, body):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if offer(collector.http, "traces", body) == 200:
                return
        except (OSError, HTTPException):  # it was killed; its next life takes it
            time.sleep(0.02)
    raise AssertionError("the Collector took nothing for a minute")


def test_its_queue_holds_what_we_have_no_room_for(tmp_path):
    with both(tmp_path, SMALL_BATCHES, settings=BUSY) as (store, collector):
        os.kill(store.process.pid, signal.SIGSTOP)  # the worker; the doors go on answering
        try:
            generate("traces", collector.grpc, TRACES)
            generate("logs", collector.grpc, TRACES)
            eventually(lambda: "(inbox.max_bytes)" in collector.log())
            assert collector.metric("otelcol_exporter_queue_size") > 0
        finally:
            os.kill(store.process.pid, signal.SIGCONT)
        landed(store, spans=2 * TRACES, logs=TRACES)
        eventually(lambda: collector.metric("otelcol_exporter_queue_size") == 0)
        assert metric(store, "otel_vector_doors_total", what="refused.inbox_full") > 0
        assert collector.metric("otelcol_exporter_send_failed_spans") == 0


def test_a_full_queue_refuses_its_senders_and_drains_when_we_are_back(tmp_path):
    """What it took before arrives; what it refused its senders were told to send again."""
    bodies = [request(number) for number in range(400)]
    with both(tmp_path, SOON, OTELCOL_QUEUE_BYTES="1048576") as (store, collector):
        store.stop()
        statuses = [offer(collector.http, "traces", body) for body in bodies]
        assert set(statuses) == {200, 503}
        assert collector.metric("otelcol_exporter_enqueue_failed_spans") > 0
        store.start()
        landed(store, spans=statuses.count(200) * PER_REQUEST)
