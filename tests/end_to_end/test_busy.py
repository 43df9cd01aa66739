"""Stock exporters and a default SDK set-up against a served folder that is busy, or has no use.

The engine is stopped (SIGSTOP) with a bound of a few requests on the inbox, so the doors answer
"busy"; the exporters retry by themselves, and once the engine goes on everything lands.
"""

import logging
import os
import signal
import threading

import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcMetrics,
)
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpMetrics,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sending import api, eventually_served, exported, serving, settle

WAYS = ("grpc", "http")
SENDERS = 4  # of each way
PER_SENDER = 3
PAUSED_S = 6.0
BUSY = {"inbox__max_bytes": 8_000, "ingest__checkpoint_s": 0.05}


@pytest.fixture
def served(tmp_path):
    with serving(tmp_path, embed__model="none", **BUSY) as process:
        yield process


def exporter(served, way):
    if way == "grpc":
        return GrpcSpans(f"http://{served.endpoints['otlp_grpc']}", insecure=True)
    return HttpSpans(f"http://{served.endpoints['otlp_http']}/v1/traces")


def finished(name):
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with provider.get_tracer("test").start_as_current_span(name, attributes={"pad": "x" * 500}):
        pass
    return memory.get_finished_spans()


def names_stored(served):
    return sorted(
        span.name
        for resource in exported(served).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )


def refused(served):
    with api(served) as client:
        lines = client.get("/metrics").text.splitlines()
    counts = [line for line in lines if 'what="refused.inbox_full"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in counts)


def test_every_retry_of_stock_exporters_lands_once_the_engine_goes_on(served, caplog):
    """Fails if "busy" is told so that an exporter gives up early, waits too long or stops."""
    names = [f"span {n} by {way}" for way in WAYS for n in range(SENDERS * PER_SENDER)]
    results = {}

    def send(mine):
        sending = exporter(served, mine[0].rpartition(" ")[2])
        for name in mine:
            results[name] = sending.export(finished(name))
        sending.shutdown()

    shares = [names[first : first + PER_SENDER] for first in range(0, len(names), PER_SENDER)]
    senders = [threading.Thread(target=send, args=(share,)) for share in shares]
    os.kill(served.process.pid, signal.SIGSTOP)
    resume = threading.Timer(PAUSED_S, os.kill, (served.process.pid, signal.SIGCONT))
    resume.start()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    resume.join()
    assert results == dict.fromkeys(names, SpanExportResult.SUCCESS), caplog.text
    assert settle(served)["inbox"]["dead"] == 0
    assert names_stored(served) == sorted(names)
    eventually_served(served, lambda: refused(served) > 0)


@pytest.mark.parametrize("way", ["grpc", "http"])
def test_a_metrics_exporter_of_a_default_set_up_logs_no_error(served, way, caplog):
    """Fails if metrics, which are not stored, are refused in a way that exporters complain of."""
    caplog.set_level(logging.WARNING)
    if way == "grpc":
        sending = GrpcMetrics(f"http://{served.endpoints['otlp_grpc']}", insecure=True)
    else:
        sending = HttpMetrics(f"http://{served.endpoints['otlp_http']}/v1/metrics")
    provider = MeterProvider([PeriodicExportingMetricReader(sending, 60_000)])
    provider.get_meter("test").create_counter("orders").add(3)
    assert provider.force_flush(10_000)
    provider.shutdown()
    assert caplog.records == []
    eventually_served(
        served, lambda: settle(served)["rejected"].get("metrics_unsupported", 0) >= 1
    )
