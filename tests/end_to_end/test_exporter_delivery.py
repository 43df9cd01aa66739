"""Applications with the exporter, as real processes, and a real collector."""

import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from sending import api, serving, settle
from serving import Served, cli, environment, eventually
from support.applications import PATIENT
from support.exporting import closing, ended_spans, provider_with

from otel_vector import VectorSpanExporter, VectorSpanProcessor

APPLICATION = """
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
{before}
provider = TracerProvider(resource=Resource.create({{"service.name": "shop"}}))
{make}
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("shop")
for i in range(7):
    with tracer.start_as_current_span(f"call {{i}}"):
        pass
"""
IMPORT = "from otel_vector import VectorSpanExporter, VectorSpanProcessor"
PROCESSOR = "provider.add_span_processor(VectorSpanProcessor())"
BATCH = "provider.add_span_processor(BatchSpanProcessor(VectorSpanExporter()))"


def run(folder, code, **variables):
    """Run a program to its end and return what it wrote to its log."""
    file = folder / "app.py"
    file.write_text(textwrap.dedent(code))
    env = environment() | PATIENT | {"XDG_STATE_HOME": str(folder / "state")} | variables
    done = subprocess.run(
        [sys.executable, str(file)],
        cwd=folder,
        env=env,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stderr.decode()


def endpoint(served, protocol="grpc"):
    name = "otlp_grpc" if protocol == "grpc" else "otlp_http"
    return f"http://{served.endpoints[name]}"


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize(
    ("before", "make"),
    [
        (IMPORT, PROCESSOR),
        (IMPORT, BATCH),
        ("", f"{IMPORT}\n{PROCESSOR}"),
        ("", f"{IMPORT}\n{BATCH}"),
    ],
    ids=["processor", "batch", "processor imported late", "batch imported late"],
)
def test_seven_calls_and_an_immediate_end_are_seven_spans_stored(before, make, protocol, tmp_path):
    with serving(tmp_path) as served:
        said = run(
            tmp_path,
            APPLICATION.format(before=before, make=make),
            OTEL_VECTOR_EXPORTER_ENDPOINT=endpoint(served, protocol),
            OTEL_VECTOR_EXPORTER_PROTOCOL=protocol,
        )
        assert settle(served)["spans"] == 7
        assert not said


def test_auto_instrumentation_takes_the_exporter_by_its_name(tmp_path):
    code = """
    import logging
    from opentelemetry import trace
    for i in range(7):
        with trace.get_tracer("shop").start_as_current_span(f"call {i}"):
            pass
    """
    with serving(tmp_path) as served:
        (tmp_path / "app.py").write_text(textwrap.dedent(code))
        env = environment() | PATIENT
        env |= {
            "OTEL_TRACES_EXPORTER": "vector",
            "OTEL_LOGS_EXPORTER": "vector",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_SERVICE_NAME": "shop",
            "OTEL_VECTOR_EXPORTER_ENDPOINT": endpoint(served),
            "XDG_STATE_HOME": str(tmp_path / "state"),
        }
        command = [str(Path(sys.executable).with_name("opentelemetry-instrument"))]
        done = subprocess.run(
            [*command, sys.executable, "app.py"],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert settle(served)["spans"] == 7
        with api(served) as client:
            services = client.get("/v1/services").text
        assert "shop" in services


def test_thirty_thousand_spans_at_once_outlast_a_collector_that_is_down(tmp_path):
    served = Served(tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    served.addresses[1] = address
    try:
        with closing(
            VectorSpanProcessor(endpoint=f"http://{address}", spool=tmp_path / "spool")
        ) as processor:
            tracer = provider_with(processor).get_tracer("burst")
            for i in range(30_000):
                tracer.start_span(f"span {i % 10}").end()
            assert not processor.force_flush(60_000)
            served.start()
            eventually(lambda: processor.force_flush(5_000))
            assert not processor.outlet.tally.all_dropped()
            eventually(lambda: settle(served)["spans"] == 30_000)
    finally:
        served.end()


def test_a_key_that_is_not_in_force_keeps_spans_until_one_is(tmp_path):
    with serving(tmp_path) as served:
        order = ["an app", "--role", "ingest", "--tenant", "acme", "--json"]
        key = cli(served, "keys", "create", *order).json["key"]
        keywords = {
            "endpoint": endpoint(served),
            "client_tenant": "acme",
            "spool": tmp_path / "spool",
        }
        with closing(VectorSpanExporter(**keywords, api_key="ovk_wrong")) as exporter:
            exporter.export(ended_spans(2))
            assert not exporter.force_flush()
        with closing(VectorSpanExporter(**keywords, api_key=key)) as exporter:
            exporter.export(ended_spans(1))
            assert exporter.force_flush()
            assert sum(exporter.outlet.tally.all_sent().values()) == 3
