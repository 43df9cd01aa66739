"""What a real Collector is refused, and how it tells: bad spans, keys, tenants, other backends."""

import json

import httpx
import pytest
from collecting import Pinned, both, counts, expected, landed, post, recorded, stored
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from real_collector import FAN_OUT, Collector, generate, sum_of
from serving import cli, eventually

from otel_vector.spans.batch import assemble
from otel_vector.testing.builders import SpanRow, batch_of

TRACES = 200
SLICE = 3  # messages of each recorded file


def data_of(*rows):
    batch = batch_of(rows)
    return TracesData.FromString(assemble(batch, range(len(batch))))


def test_bad_spans_are_told_in_its_log_and_the_good_ones_are_stored(tmp_path):
    data = data_of(*(SpanRow(trace=1, span=n + 1, service="shop") for n in range(5)))
    spans = data.resource_spans[0].scope_spans[0].spans
    spans[1].trace_id = bytes(16)
    spans[3].span_id = bytes(8)
    with both(tmp_path) as (store, collector):
        post(collector.http, "traces", data.SerializeToString())
        landed(store, spans=3)
        eventually(lambda: "Partial success response" in collector.log())
        (line,) = [x for x in collector.log().splitlines() if "Partial success response" in x]
        assert '"dropped_spans": 2' in line
        assert "1 rejected: the trace id" in line
        assert "1 rejected: the span id" in line
        eventually(lambda: sum(counts(store)["rejected"].values()) == 2)
        assert collector.metric("otelcol_exporter_send_failed_spans") == 0


@pytest.fixture
def guarded(tmp_path):
    """A store with keys; `watch` sees all of it."""
    store = Pinned(tmp_path / "store").start()
    store.watch = {"x-api-key": key(store, "watch", "read", "*")}
    yield store
    store.end()


def key(store, name, role, *tenants):
    flags = [word for tenant in tenants for word in ("--tenant", tenant)]
    return cli(store, "keys", "create", name, "--role", role, *flags).out.strip()


def collecting(folder, store, headers):
    return Collector(folder, store.endpoints["otlp_grpc"], OTELCOL_HEADERS=headers)


def spans_of(store, tenant):
    url = f"http://{store.endpoints['api']}/v1/stats"
    answer = httpx.get(url, headers={**store.watch, "x-tenant": tenant})
    if answer.status_code == 404:
        assert "nothing was stored" in answer.text
        return 0
    return answer.json()["spans"]


def refusals(store, what):
    page = httpx.get(f"http://{store.endpoints['api']}/metrics", headers=store.watch).text
    return sum_of(page, "otel_vector_doors_total", {"what": what})


def test_its_key_and_its_tenant_say_where_spans_land(guarded, tmp_path):
    ingest = key(guarded, "gateway", "ingest", "acme", "globex", "initech")
    whole, alone = tmp_path / "headers", tmp_path / "key"
    whole.write_text(json.dumps({"x-api-key": ingest, "x-tenant": "globex"}))
    alone.write_text(ingest)
    ways = {
        "acme": f"{{x-api-key: {ingest}, x-tenant: acme}}",
        "globex": f"${{file:{whole}}}",
        "initech": f'{{x-api-key: "${{file:{alone}}}", x-tenant: initech}}',
    }
    for tenant, headers in ways.items():
        collector = collecting(tmp_path / tenant, guarded, headers).start()
        try:
            generate("traces", collector.grpc, TRACES)
            eventually(lambda tenant=tenant: spans_of(guarded, tenant) == 2 * TRACES)
            assert ingest not in collector.log()
        finally:
            collector.end()
    assert {spans_of(guarded, tenant) for tenant in ways} == {2 * TRACES}


@pytest.mark.parametrize(
    ("role", "tenant", "code", "what"),
    [
        ("unknown", "acme", "Unauthenticated", "refused.unauthenticated"),
        ("read", "acme", "PermissionDenied", "refused.access"),
        ("ingest", "globex", "PermissionDenied", "refused.access"),
    ],
)
def test_a_key_that_will_not_do_is_told_in_its_log_and_counted_by_us(
    guarded, tmp_path, role, tenant, code, what
):
    text = "ov_000000000000_" + 43 * "0" if role == "unknown" else key(guarded, "k", role, "acme")
    headers = f"{{x-api-key: {text}, x-tenant: {tenant}}}"
    collector = collecting(tmp_path / "collector", guarded, headers).start()
    try:
        generate("traces", collector.grpc, TRACES)
        eventually(lambda: f"Permanent error: rpc error: code = {code}" in collector.log())
        eventually(lambda: refusals(guarded, what) > 0)
        eventually(lambda: collector.metric("otelcol_exporter_send_failed_spans") == 2 * TRACES)
    finally:
        collector.end()
    assert spans_of(guarded, "acme") == 0


def test_a_fan_out_gives_another_backend_the_same_spans_even_after_it_was_away(tmp_path):
    other = Pinned(tmp_path / "other").start()
    address = other.endpoints["otlp_grpc"]
    try:
        with both(tmp_path, FAN_OUT, OTELCOL_FAN_OUT=address) as (store, collector):
            other.stop()
            for signal in ("traces", "logs"):
                for body in recorded(signal, SLICE):
                    post(collector.http, signal, body)
            spans, logs = (len(expected(signal, SLICE)) for signal in ("traces", "logs"))
            landed(store, spans=spans, logs=logs)
            assert (
                collector.metric("otelcol_exporter_queue_size", exporter="otlp_grpc/fan_out") > 0
            )
            other.start()
            landed(other, spans=spans)
            assert stored(store, "traces") == stored(other, "traces") == expected("traces", SLICE)
    finally:
        other.end()
