"""The stock OpenTelemetry exporters send to the doors, plain and compressed, and when busy."""

import threading
import time

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc_traces
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.http import Compression as HttpCompression
from opentelemetry.exporter.otlp.proto.http import trace_exporter as http_traces
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.doors import open_doors

WAIT_S = 20


def spans(*names):
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    for name in names:
        with provider.get_tracer("test").start_as_current_span(name):
            pass
    return memory.get_finished_spans()


def grpc_exporter(doors, compression=None):
    return grpc_traces.OTLPSpanExporter(
        f"http://{doors.endpoints.otlp_grpc}", insecure=True, compression=compression
    )


def http_exporter(doors, compression=HttpCompression.NoCompression):
    return http_traces.OTLPSpanExporter(
        f"http://{doors.endpoints.otlp_http}/v1/traces", compression=compression
    )


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    with open_doors(tmp_path_factory.mktemp("doors")) as opened:
        yield opened


EXPORTERS = {
    "grpc": grpc_exporter,
    "grpc gzip": lambda doors: grpc_exporter(doors, grpc.Compression.Gzip),
    "grpc deflate": lambda doors: grpc_exporter(doors, grpc.Compression.Deflate),
    "http": http_exporter,
    "http gzip": lambda doors: http_exporter(doors, HttpCompression.Gzip),
    "http deflate": lambda doors: http_exporter(doors, HttpCompression.Deflate),
}


@pytest.mark.parametrize("way", EXPORTERS)
def test_spans_arrive_as_they_were_sent(doors, way):
    exporter = EXPORTERS[way](doors)
    sent = spans("checkout", "charge card")
    assert exporter.export(sent) is SpanExportResult.SUCCESS
    exporter.shutdown()
    assert doors.span_names() == ["checkout", "charge card"]


def test_log_exporters_find_their_doors(doors):
    for exporter in (
        GrpcLogs(f"http://{doors.endpoints.otlp_grpc}", insecure=True),
        HttpLogs(f"http://{doors.endpoints.otlp_http}/v1/logs"),
    ):
        assert exporter.export([]).name == "SUCCESS"
        exporter.shutdown()


@pytest.mark.parametrize("make", [grpc_exporter, http_exporter], ids=["grpc", "http"])
def test_every_retry_of_a_busy_answer_lands(tmp_path, make):
    with open_doors(tmp_path, max_bytes=1500, retry_s=0.5) as doors:
        results, taken = [], []

        def send(name):
            exporter = make(doors)
            results.append(exporter.export(spans(name)))
            exporter.shutdown()

        names = [f"span {n} " + "x" * 400 for n in range(8)]
        senders = [threading.Thread(target=send, args=(name,)) for name in names]
        for sender in senders:
            sender.start()
        deadline = time.monotonic() + WAIT_S
        while any(sender.is_alive() for sender in senders) and time.monotonic() < deadline:
            for delivery in doors.inbox.take(1, 1 << 20, 0.2):
                taken.append(delivery.envelope.body)
                doors.inbox.ack([delivery.id])
        for sender in senders:
            sender.join()
        taken += [d.envelope.body for d in doors.inbox.take(100, 1 << 20, 0)]
        assert results == [SpanExportResult.SUCCESS] * len(names)
        assert doors.inbox.counters().get("refused.inbox_full", 0) > 0
        assert all(any(name.encode() in body for body in taken) for name in names)
