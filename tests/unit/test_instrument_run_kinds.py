"""What a run is for goes along with it, into every span that belongs to it."""

import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest
from opentelemetry import baggage, propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState
from support.tracing import recorded

from otel_vector import trace_span
from otel_vector.instrument.run_kinds import run_kind
from otel_vector.instrument.sampler import RunKindSampler, sampler_of

DEADLINE_S = 60
KEY = "otel_vector.run.kind"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def spans():
    with recorded() as found:
        yield found


@pytest.fixture
def sampled():
    """A tracer with the sampler, and the spans it made."""
    provider = TracerProvider(RunKindSampler(), shutdown_on_exit=False)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("test"), exporter


def remote(state):
    """A context with a parent in another process that sends this tracestate."""
    flags = TraceFlags(TraceFlags.SAMPLED)
    parent = SpanContext(1, 2, True, flags, TraceState.from_header([state]))
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())


@trace_span
def look():
    return dict(baggage.get_all())


@pytest.mark.parametrize("kind", ["replay", "test", "eval", "shadow", "self"])
def test_a_run_that_is_not_live_is_on_its_spans(spans, kind):
    with run_kind(kind):
        assert look() == {KEY: kind}
    assert look() == {}
    assert [s.attributes.get(KEY) for s in spans.all] == [kind, None]


def test_a_live_run_is_not_marked(spans):
    with run_kind("test"), run_kind("live"):
        look()
    assert KEY not in spans.only.attributes


def test_streams_are_of_the_run_they_begin_in(spans):
    @trace_span
    def items():
        yield 1

    with run_kind("eval"):
        assert list(items()) == [1]
    assert spans.only.attributes[KEY] == "eval"


def test_a_kind_that_there_is_not_is_refused():
    with (
        pytest.raises(ValueError, match="run kind 'prod' is unknown: use one of live, replay"),
        run_kind("prod"),
    ):
        pass


@pytest.mark.parametrize("sent", ["prod", "", "TEST", "test,live"])
def test_a_kind_that_somebody_else_sent_and_there_is_not_is_ignored(spans, sent):
    from opentelemetry.context import attach, detach

    token = attach(baggage.set_baggage(KEY, sent))
    look()
    detach(token)
    assert KEY not in spans.only.attributes


def test_the_sampler_writes_the_kind_into_tracestate_of_any_span(sampled):
    tracer, exporter = sampled
    with run_kind("test"), tracer.start_as_current_span("parent"):
        tracer.start_span("child").end()
    tracer.start_span("live").end()
    states = {s.name: s.context.trace_state.to_header() for s in exporter.get_finished_spans()}
    assert states == {"child": "ov=test", "parent": "ov=test", "live": ""}


def test_children_keep_the_kind_of_a_parent_elsewhere(sampled):
    tracer, _ = sampled
    span = tracer.start_span("child", remote("ov=replay,other=1"))
    assert span.get_span_context().trace_state.to_header() == "ov=replay,other=1"


def test_baggage_is_nearer_than_the_parents_tracestate(sampled):
    tracer, _ = sampled
    for kind in ("eval", "live"):
        span = tracer.start_span(
            "child", baggage.set_baggage(KEY, kind, remote("a=1,ov=test,b=2"))
        )
        assert span.get_span_context().trace_state.to_header() == f"ov={kind},a=1,b=2"


def test_a_full_tracestate_gives_way_at_its_end(sampled):
    tracer, _ = sampled
    full = ",".join(f"k{n}={n}" for n in range(32))
    span = tracer.start_span("child", baggage.set_baggage(KEY, "test", remote(full)))
    state = span.get_span_context().trace_state
    assert next(iter(state.items())) == ("ov", "test")
    assert list(state)[-1] == "k30"
    assert len(state) == 32


def test_the_inner_sampler_decides():
    provider = TracerProvider(RunKindSampler(ALWAYS_OFF), shutdown_on_exit=False)
    with run_kind("test"):
        span = provider.get_tracer("test").start_span("quiet")
    assert not span.is_recording()
    assert span.get_span_context().trace_state.get("ov") == "test"
    assert RunKindSampler(ALWAYS_ON).get_description() == "RunKindSampler{AlwaysOnSampler}"


def test_the_argument_is_the_share_of_traces():
    assert "AlwaysOn" in sampler_of(None).get_description()
    assert "AlwaysOn" in sampler_of("").get_description()
    assert "TraceIdRatioBased{0.25}" in sampler_of("0.25").get_description()
    for wrong in ("much", "2"):
        with pytest.raises(ValueError, match="set it to a number from 0 to 1"):
            sampler_of(wrong)


SERVICE = """
    import json, os
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from opentelemetry import propagate, trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from otel_vector import trace_span

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)

    @trace_span
    def answer(): pass

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            from opentelemetry.context import attach, detach
            token = attach(propagate.extract(dict(self.headers.items())))
            with trace.get_tracer("foreign").start_as_current_span("GET"):
                answer()
            detach(token)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps([
                {"name": s.name, "trace": format(s.context.trace_id, "032x"),
                 "state": s.context.trace_state.to_header(), "attributes": dict(s.attributes)}
                for s in exporter.get_finished_spans()]).encode())
        def log_message(self, *args): pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.handle_request()
"""


def test_spans_of_another_process_carry_the_kind_by_its_headers(sampled):
    import httpx

    tracer, _ = sampled
    service = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SERVICE)], stdout=subprocess.PIPE, text=True
    )
    try:
        port = int(service.stdout.readline())
        with run_kind("shadow"), tracer.start_as_current_span("call") as span:
            headers = {}
            propagate.inject(headers)
            found = httpx.get(
                f"http://127.0.0.1:{port}/", headers=headers, timeout=DEADLINE_S
            ).json()
        service.wait(DEADLINE_S)
    finally:
        service.kill()
        service.wait(DEADLINE_S)
        service.stdout.close()
    by_name = {each["name"]: each for each in found}
    assert {each["trace"] for each in found} == {f"{span.get_span_context().trace_id:032x}"}
    assert by_name["GET"]["state"] == by_name["answer"]["state"] == "ov=shadow"
    assert by_name["answer"]["attributes"][KEY] == "shadow"


def test_the_sampler_is_chosen_by_a_variable(tmp_path):
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    ((name, target),) = points["opentelemetry_traces_sampler"].items()
    info = tmp_path / "chosen_sampler-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: chosen-sampler\nVersion: 0\n")
    (info / "entry_points.txt").write_text(f"[opentelemetry_traces_sampler]\n{name} = {target}\n")
    program = """
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk._configuration import _get_sampler, _import_sampler
        print(_import_sampler(_get_sampler()).get_description())
    """
    environ = {
        "PYTHONPATH": str(tmp_path),
        "OTEL_TRACES_SAMPLER": "otel_vector",
        "OTEL_TRACES_SAMPLER_ARG": "0.5",
    }
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("RunKindSampler{ParentBased{root:TraceIdRatioBased{0.5}")
