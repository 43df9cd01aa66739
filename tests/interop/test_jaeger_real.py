"""A real Jaeger, configured as docs/interop/jaeger.md shows, with our store behind it."""

import json
import re
import time
from pathlib import Path

import grpc
import pytest
import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from real_jaeger import Jaeger, configs_in_docs
from serving import Served, cli

from otel_vector.spans.batch import assemble
from otel_vector.testing.builders import Event, Link, SpanRow, batch_of, trace_bytes

SECOND = 1_000_000_000
NOW_NS = time.time_ns() // SECOND * SECOND - 120 * SECOND
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def data_of(*rows):
    batch = batch_of(rows)
    return TracesData.FromString(assemble(batch, range(len(batch))))


def row(**more):
    return SpanRow(**{"start_ns": NOW_NS, **more})


def send(place, data, metadata=()):
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(place, options) as channel:
        request = ExportTraceServiceRequest.FromString(data.SerializeToString())
        channel.unary_unary(EXPORT)(request.SerializeToString(), timeout=30, metadata=metadata)


def until(read, is_so, within_s=30.0):
    deadline = time.monotonic() + within_s
    while not is_so(found := read()):
        assert time.monotonic() < deadline, f"it did not come true in time: {found!r:.500}"
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def jaeger(served, tmp_path_factory):
    served.start()
    place = served.endpoints["jaeger_grpc"]
    basic, _ = configs_in_docs()
    running = Jaeger(tmp_path_factory.mktemp("real"), [basic], JAEGER_STORE=place)
    yield running
    running.stop()


def found_by_id(jaeger, trace):
    answer = jaeger.get(f"/api/traces/{trace_bytes(trace).hex()}")
    return answer.json()["data"][0] if answer.status_code == 200 else None


def test_what_it_takes_it_shows_again(jaeger):
    data = data_of(
        row(
            trace=1, name="charge card", service="payments", kind=3, status=2,
            attributes={"amount": 12, "rate": 0.5, "retried": True, "order": "a-1"},
            resource={"k8s.pod.name": "payments-1"},
            events=(Event("exception", {"exception.type": "Declined"}),),
            links=(Link(9, 9, {"why": "batch"}),),
        ),
        row(trace=1, span=2, parent=1, name="GET /ledger", service="ledger"),
    )  # fmt: skip
    send(jaeger.otlp, data)
    trace = until(lambda: found_by_id(jaeger, 1), lambda t: t and len(t["spans"]) == 2)
    by_name = {span["operationName"]: span for span in trace["spans"]}
    tags = {tag["key"]: tag["value"] for tag in by_name["charge card"]["tags"]}
    assert tags["amount"] == 12
    assert (tags["rate"], tags["retried"], tags["order"]) == (0.5, True, "a-1")
    assert tags["error"] is True
    services = {process["serviceName"] for process in trace["processes"].values()}
    assert services == {"payments", "ledger"}
    assert by_name["GET /ledger"]["references"][0]["refType"] == "CHILD_OF"
    listed = jaeger.get("/api/services").json()["data"]
    assert {"payments", "ledger"} <= set(listed)
    operations = jaeger.get("/api/operations", service="payments", spanKind="client").json()[
        "data"
    ]
    assert operations == [{"name": "charge card", "spanKind": "client"}]


@pytest.mark.parametrize(
    "tags",
    [
        {"amount": "12"}, {"rate": "0.5"}, {"retried": "true"}, {"order": "a-1"}, {"error": "true"},
        {"k8s.pod.name": "payments-1"}, {"exception.type": "Declined"}, {"why": "batch"},
        {"span.kind": "client"}, {"amount": "12", "exception.type": "Declined"},
    ],
    ids=str,
)  # fmt: skip
def test_its_search_finds_by_tags(jaeger, tags):
    test_it = lambda: search(jaeger, service="payments", tags=json.dumps(tags))  # noqa: E731
    assert until(test_it, bool) == [trace_bytes(1).hex().lstrip("0").rjust(16, "0")]
    absent = {**tags, "amount": "13"}
    assert search(jaeger, service="payments", tags=json.dumps(absent)) == []


def search(jaeger, **asked):
    window = {"start": (NOW_NS - 3600 * SECOND) // 1000, "end": (NOW_NS + 3600 * SECOND) // 1000}
    answer = jaeger.get("/api/traces", limit=20, **window, **asked)
    assert answer.status_code == 200, answer.text
    return [trace["traceID"] for trace in answer.json()["data"]]


def test_a_question_in_words_is_answered_in_its_tag_box(jaeger):
    failures = [
        row(trace=20, name="pay", service="words", status=2, status_message="card was declined"),
        row(trace=21, name="reserve", service="words", status=2, status_message="disk is full"),
    ]
    send(jaeger.otlp, data_of(*failures))
    until(lambda: search(jaeger, service="words"), lambda found: len(found) == 2)

    def best():
        asked = json.dumps({"meaning": "the card was declined", "error": "true"})
        answer = jaeger.get("/api/traces", service="words", tags=asked, limit=1,
                            start=(NOW_NS - SECOND) // 1000, end=(NOW_NS + SECOND) // 1000)  # fmt: skip
        return answer.json()["data"]

    (trace,) = until(best, lambda d: d and d[0]["spans"][0]["operationName"] == "pay")
    tags = {tag["key"]: tag["value"] for tag in trace["spans"][0]["tags"]}
    assert tags["meaning.score"] > 0
    assert "declined" in tags["meaning.text"]
    plain = {tag["key"] for tag in found_by_id(jaeger, 20)["spans"][0]["tags"]}
    assert not {"meaning.score", "meaning.text"} & plain


def test_ten_thousand_spans_come_whole_and_equal(jaeger):
    count = 10_008
    rows = [
        row(trace=3, span=n, parent=int(n > 1), start_ns=NOW_NS + n * 1000, name=f"step {n % 7}",
            attributes={"n": n}, service="large")
        for n in range(1, count + 1)
    ]  # fmt: skip
    for start in range(0, count, 3_000):
        send(jaeger.otlp, data_of(*rows[start : start + 3_000]))
    path = f"/api/v3/traces/{trace_bytes(3).hex()}"

    def read():
        answer = jaeger.get(path)
        return spans_of(answer.json()) if answer.status_code == 200 else []

    until(read, lambda spans: len(spans) == count)
    begun = time.monotonic()
    spans = read()
    took_s = time.monotonic() - begun
    print(f"{count} spans through Jaeger in {took_s:.2f} s")
    wanted = {
        (f"{n:016x}", f"step {n % 7}", str(NOW_NS + n * 1000), str(n)) for n in range(1, count + 1)
    }
    assert {_seen(span) for span in spans} == wanted
    assert took_s < 30


def spans_of(answer):
    return [
        span
        for resource in answer["result"]["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def _seen(span):
    (n,) = (a["value"]["intValue"] for a in span["attributes"] if a["key"] == "n")
    return span["spanId"], span["name"], span["startTimeUnixNano"], str(n)


def test_its_service_map_is_ours(jaeger):
    send(
        jaeger.otlp,
        data_of(
            row(trace=5, span=1, service="front"),
            row(trace=5, span=2, parent=1, service="back"),
            row(trace=6, span=1, service="later", links=(Link(5, 2),)),
        ),
    )
    until(lambda: found_by_id(jaeger, 6), bool)
    answer = jaeger.get("/api/dependencies", endTs=time.time_ns() // 10**6, lookback=3_600_000)
    edges = {(e["parent"], e["child"], e["callCount"]) for e in answer.json()["data"]}
    assert {("front", "back", 1), ("back", "later", 1), ("payments", "ledger", 1)} <= edges


def test_an_unknown_trace_is_not_found(jaeger):
    assert jaeger.get(f"/api/traces/{trace_bytes(404).hex()}").status_code == 404
    assert jaeger.get(f"/api/v3/traces/{trace_bytes(404).hex()}").status_code == 404


def test_it_goes_on_when_we_were_away(jaeger, served):
    address = served.endpoints["jaeger_grpc"]
    assert served.stop() == 0
    assert jaeger.get("/api/services").status_code == 500
    served.start("--jaeger-grpc", address)
    until(lambda: jaeger.get("/api/services").status_code, lambda code: code == 200)
    assert found_by_id(jaeger, 1)


def made_key(served, name, role, *tenants):
    flags = [word for tenant in tenants for word in ("--tenant", tenant)]
    issued = cli(served, "keys", "create", name, "--role", role, *flags, "--json")
    return issued.json["key"]


def test_keys_and_tenants_pass_through_it(tmp_path):
    served = Served(tmp_path)
    reading = made_key(served, "reader", "read", "acme", "globex")
    writing = made_key(served, "writer", "ingest", "acme", "globex")
    served.start("--set", "embed.model=none")
    jaeger = Jaeger(
        tmp_path, configs_in_docs(), JAEGER_STORE=served.endpoints["jaeger_grpc"],
        JAEGER_STORE_KEY=writing, JAEGER_STORE_TENANT="acme",
    )  # fmt: skip
    try:
        send(jaeger.otlp, data_of(row(trace=1, service="acme-shop")))
        direct = (("authorization", f"Bearer {writing}"), ("x-tenant", "globex"))
        send(served.endpoints["jaeger_grpc"], data_of(row(trace=2, service="globex-shop")), direct)

        def services(tenant, key=reading):
            headers = {"authorization": f"Bearer {key}", "x-tenant": tenant}
            answer = jaeger.get("/api/services", headers)
            return answer.json()["data"] if answer.status_code == 200 else answer.status_code

        until(lambda: services("acme"), lambda found: found == ["acme-shop"])
        until(lambda: services("globex"), lambda found: found == ["globex-shop"])
        assert services("initech") == 500
        assert services("acme", key=writing) == 500
        assert services("acme", key="ov_none") == 500
    finally:
        jaeger.stop()
        served.end()


def test_one_that_shows_only_is_started_without_pipelines(tmp_path):
    """As docs/interop/jaeger.md says: without what takes and sends spans, and with its flag."""
    page = (Path(__file__).parents[2] / "docs" / "interop" / "jaeger.md").read_text()
    (flag,) = re.findall(r"^jaeger --config jaeger.yaml (--feature\S+)$", page, re.MULTILINE)
    config = yaml.safe_load(configs_in_docs()[0])
    for part in ("receivers", "processors", "exporters"):
        del config[part]
    del config["service"]["pipelines"]
    served = Served(tmp_path)
    served.start("--set", "embed.model=none")
    store = served.endpoints["jaeger_grpc"]
    jaeger = Jaeger(tmp_path, [yaml.safe_dump(config)], [flag], JAEGER_STORE=store)
    try:
        send(served.endpoints["otlp_grpc"], data_of(row(trace=1, service="shop")))
        until(lambda: jaeger.get("/api/services").json()["data"], lambda found: found == ["shop"])
    finally:
        jaeger.stop()
        served.end()


def test_a_form_that_demands_a_service_can_ask_for_any(tmp_path):
    """The entry that docs/interop/jaeger.md shows, as this Jaeger and its UI use it."""
    any_service = "(any service)"
    page = (Path(__file__).parents[2] / "docs" / "interop" / "jaeger.md").read_text()
    assert f'otel-vector serve --set serve.jaeger_any_service="{any_service}"' in page
    served = Served(tmp_path)
    served.start("--set", "embed.model=none", "--set", f"serve.jaeger_any_service={any_service}")
    basic, _ = configs_in_docs()
    jaeger = Jaeger(tmp_path, [basic], JAEGER_STORE=served.endpoints["jaeger_grpc"])
    try:
        rows = [row(trace=n, service=f"service-{n}", name=f"step {n}") for n in (1, 2)]
        send(jaeger.otlp, data_of(*rows))
        until(lambda: found_by_id(jaeger, 2), bool)
        listed = [any_service, "service-1", "service-2"]
        assert sorted(jaeger.get("/api/services").json()["data"]) == listed
        assert sorted(jaeger.get("/api/v3/services").json()["services"]) == listed
        assert len(search(jaeger, service=any_service)) == 2
        assert len(search(jaeger, service=any_service, operation="step 2")) == 1
        operations = jaeger.get("/api/operations", service=any_service).json()["data"]
        assert [operation["name"] for operation in operations] == ["step 1", "step 2"]
        assert jaeger.get("/api/traces", limit=20).status_code == 400  # it asks for no service
    finally:
        jaeger.stop()
        served.end()
