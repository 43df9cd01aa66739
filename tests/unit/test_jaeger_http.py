"""Jaeger's HTTP API: each request that Grafana's data source and Jaeger's UI are known to send.

Answers are read as strictly as those programs read them.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from support.grafana import GoEdges, GoNames, GoTraces
from support.jaeger_http import END, MS, ONE, START, US, V3, get, ids, shop_of_jaeger
from support.serving import SETTINGS, Served, served
from support.world import DECLINED, World, at

from otel_vector.testing.builders import TENANT, Link, SpanRow, trace_bytes
from otel_vector_collector.jaeger.http import router
from otel_vector_collector.jaeger.legacy import trace_json

LEGACY = {"start": START // US, "end": END // US, "limit": 20}


@pytest.fixture(scope="module")
def world():
    return shop_of_jaeger()


@pytest.fixture(scope="module")
def client(world):
    with served(Served(world.store, world.services), more=[router]) as asking:
        yield asking


def found(client, **parameters) -> list[str]:
    answer = get(client, "/traces", **{**LEGACY, **parameters})
    assert answer.status_code == 200, answer.text
    return [trace.traceID for trace in GoTraces.model_validate_json(answer.content).data]


# --- What Grafana's data source asks.


def test_the_health_check_reads_the_services(client):
    answer = get(client, "/services")
    assert answer.status_code == 200
    names = GoNames.model_validate_json(answer.content)
    assert names.data == ["odd/service", "payments", "shop"]
    assert names.total == 3


@pytest.mark.parametrize(
    ("service", "names"), [("shop", ["GET /cart"]), ("odd%2Fservice", ["x"]), ("nobody", [])]
)
def test_the_operations_of_a_service_are_plain_names(client, service, names):
    answer = get(client, f"/services/{service}/operations")
    assert GoNames.model_validate_json(answer.content).data == names


def test_a_search_by_the_form(client):
    assert found(client, service="shop") == ids(2, 1)
    assert found(client, service="shop", operation="GET /cart", limit=1) == ids(2)
    assert found(client) == ids(3, 2, 1)


def test_a_search_by_tags_as_texts(client):
    assert found(client, service="shop", tags='{"user":"ann","hot":"true"}') == ids(1)
    assert found(client, tags='{"error":"true"}') == ids(1)
    assert found(client, service="shop", tags='{"user":"bob"}') == []
    assert found(client, service="shop", tag="user:ann") == ids(1)


@pytest.mark.parametrize(
    ("bounds", "traces"),
    [
        ({"minDuration": "100ms"}, (1,)),
        ({"minDuration": "0.2s", "maxDuration": "1.2s"}, (1,)),
        ({"maxDuration": "1500us"}, (3, 2)),
        ({"minDuration": "1h2m3s"}, ()),
    ],
    ids=str,
)
def test_a_search_by_duration(client, bounds, traces):
    assert found(client, **bounds) == ids(*traces)


def test_a_search_is_within_its_window_in_microseconds(client):
    assert found(client, start=at(15) // US, end=at(25) // US) == ids(2)
    answer = client.get("/jaeger/api/traces", params={"service": "shop"})
    assert len(answer.json()["data"]) == 2  # no window, no bound


def test_a_question_in_words_scores_the_spans_that_answer(client):
    tags = json.dumps({"meaning": "card declined by issuer"})
    answer = get(client, "/traces", **LEGACY, tags=tags, service="payments")
    (trace,) = GoTraces.model_validate_json(answer.content).data
    shown = {tag.key: tag.value for tag in trace.span("charge").tags}
    assert shown["meaning.text"] == DECLINED[1]
    assert isinstance(shown["meaning.score"], float)
    assert "meaning.score" not in {tag.key for tag in trace.span("GET /cart").tags}


@pytest.mark.parametrize(
    "times", [{}, {"start": START // MS, "end": END // MS}, {"start": START // US}], ids=str
)
def test_a_trace_by_its_id(client, times):
    answer = get(client, f"/traces/{ONE}", **times)
    (trace,) = GoTraces.model_validate_json(answer.content).data
    assert trace.traceID == ONE
    assert len(trace.spans) == 2


def test_a_span_has_all_that_it_was_stored_with(client):
    (trace,) = GoTraces.model_validate_json(get(client, f"/traces/{ONE}").content).data
    span = trace.span("GET /cart")
    assert (span.startTime, span.duration) == ((at(1) + 1500) // US, 2_000)
    tags = {tag.key: (tag.type, tag.value) for tag in span.tags}
    assert tags["user"] == ("string", "ann")
    assert tags["large"] == ("int64", str(2**60))
    assert tags["ratio"] == ("float64", 0.5)
    assert tags["hot"] == ("bool", True)
    assert tags["raw"][0] == "binary"
    assert tags["list"] == ("string", '["a",1]')
    assert tags["span.kind"] == ("string", "server")
    assert tags["otel.scope.name"] == ("string", "library")
    assert tags["w3c.tracestate"] == ("string", "vendor=1")
    assert [[(f.key, f.value) for f in log.fields] for log in span.logs] == [
        [("event", "cache miss"), ("tries", 3)], [("event", "own")]
    ]  # fmt: skip
    process = trace.processes[span.processID]
    assert process.serviceName == "shop"
    assert {tag.key: tag.value for tag in process.tags} == {"k8s.pod.name": "shop-1", "cores": 4}


def test_a_failed_span_says_so_in_tags(client):
    (trace,) = GoTraces.model_validate_json(get(client, f"/traces/{ONE}").content).data
    tags = {tag.key: tag.value for tag in trace.span("charge").tags}
    assert tags["error"] is True
    assert tags["otel.status_code"] == "ERROR"
    assert tags["otel.status_description"] == "no funds"


def test_the_parent_is_the_first_reference_and_links_follow(client):
    (trace,) = GoTraces.model_validate_json(get(client, f"/traces/{ONE}").content).data
    assert trace.span("GET /cart").references == []
    shown = [(r.refType, r.traceID, r.spanID) for r in trace.span("charge").references]
    one = f"{1:016x}"
    assert shown == [("CHILD_OF", ONE, one), ("FOLLOWS_FROM", trace_bytes(2).hex(), one)]


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        ({}, ["CHILD_OF", "FOLLOWS_FROM"]),
        ({"opentracing.ref_type": "child_of"}, ["CHILD_OF"]),
        ({"opentracing.ref_type": "follows_from"}, ["FOLLOWS_FROM"]),
    ],
    ids=["plain", "child", "follows"],
)
def test_a_link_to_the_parent_does_not_hide_it(attributes, shown):
    world = World()
    links = (Link(1, 1, attributes),)
    world.write([SpanRow(trace=1, span=1), SpanRow(trace=1, span=2, parent=1, links=links)])
    (_, consumer) = trace_json(world.store.tenant(TENANT).reader.trace(trace_bytes(1)))["spans"]
    assert [reference["refType"] for reference in consumer["references"]] == shown


def test_a_trace_of_another_run_is_shown_by_id_and_found_when_asked_for(client):
    assert get(client, f"/traces/{ids(4)[0]}").status_code == 200
    assert found(client, tags='{"otel_vector.run.kind":"replay"}') == ids(4)


def test_an_unknown_trace_is_not_found(client):
    answer = get(client, f"/traces/{trace_bytes(404).hex()}")
    assert answer.status_code == 404
    assert answer.json()["data"] is None
    assert answer.json()["errors"] == [{"code": 404, "msg": "trace not found"}]


def test_traces_named_one_by_one_come_with_those_that_are_missing(client):
    answer = client.get("/jaeger/api/traces", params={"traceID": [*ids(2, 404)]}).json()
    assert [trace["traceID"] for trace in answer["data"]] == ids(2)
    assert answer["errors"] == [{"msg": "trace not found", "traceID": ids(404)[0]}]


def test_a_short_id_is_filled_up(client):
    assert get(client, "/traces/1").json()["data"][0]["traceID"] == ONE


def test_the_dependency_graph(client):
    window = {"endTs": END // MS, "lookback": (END - START) // MS}
    edges = GoEdges.model_validate_json(get(client, "/dependencies", **window).content).data
    assert [(e.parent, e.child, e.callCount) for e in edges] == [("shop", "payments", 2)]
    assert get(client, "/dependencies", **window, service="nobody").json()["data"] == []
    assert get(client, "/dependencies").json()["data"] == []  # of the last day


def test_operations_with_their_kinds(client):
    answer = get(client, "/operations", service="payments").json()
    assert answer["data"] == [{"name": "charge", "spanKind": "client"}]
    assert get(client, "/operations", service="payments", spanKind="server").json()["data"] == []
    assert get(client, "/operations").status_code == 400


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/traces", {"start": "yesterday"}), ("/traces", {"limit": "many"}),
        ("/traces", {"tags": "{"}), ("/traces", {"tags": "[]"}), ("/traces", {"tag": "novalue"}),
        ("/traces", {"minDuration": "1 second"}), ("/traces", {"maxDuration": "7"}),
        ("/traces", {"minDuration": "2s", "maxDuration": "1s"}), ("/traces", {"traceID": "xyz"}),
        ("/traces", {"tags": '{"otel_vector.run.kind":"dry"}'}),
        ("/traces/notanid", {}), ("/traces/" + "1" * 33, {}),
        ("/dependencies", {"endTs": "now"}), ("/dependencies", {"lookback": "1d"}),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_jaegers_form(client, path, parameters):
    answer = get(client, path, **parameters)
    assert answer.status_code == 400
    assert answer.json()["data"] is None
    (error,) = answer.json()["errors"]
    assert error["code"] == 400
    assert error["msg"]


def test_an_entry_for_all_services_is_chosen_like_any_other(world):
    any_service = "(any service)"
    serve = replace(SETTINGS.serve, jaeger_any_service=any_service)
    engine = Served(world.store, world.services, replace(SETTINGS, serve=serve))
    with served(engine, more=[router]) as client:
        listed = [any_service, "odd/service", "payments", "shop"]
        assert get(client, "/services").json()["data"] == listed
        assert get(client, "/v3/services").json()["services"] == listed
        names = ["GET /cart", "charge", "x"]
        assert get(client, f"/services/{any_service}/operations").json()["data"] == names
        for path in ("/operations", "/v3/operations"):
            answer = get(client, path, service=any_service).json()
            assert [o["name"] for o in answer.get("data", answer.get("operations"))] == names
        assert found(client, service=any_service) == ids(3, 2, 1)
        answer = get(client, "/v3/trace-summaries", **V3, **{"query.serviceName": any_service})
        assert len(answer.json()["summaries"]) == 3
        assert get(client, "/v3/traces", **V3, **{"query.serviceName": any_service}).json()
        window = {"endTs": END // MS, "lookback": (END - START) // MS}
        edges = get(client, "/dependencies", **window, service=any_service).json()["data"]
        assert len(edges) == 1


def test_what_is_refused_before_a_route_is_known_is_told_in_jaegers_form(client):
    legacy, newer = get(client, "/nothing"), get(client, "/v3/nothing")
    assert legacy.status_code == newer.status_code == 404
    assert legacy.json()["errors"][0]["code"] == newer.json()["error"]["httpCode"] == 404
    assert "GET /jaeger/api/nothing" in legacy.json()["errors"][0]["msg"]
    posted = client.post("/jaeger/api/traces")
    assert (posted.status_code, posted.json()["errors"][0]["code"]) == (405, 405)
    assert posted.headers["allow"] == "GET"
    ours = client.get("/jaeger/nothing")
    assert ours.headers["content-type"] == "application/problem+json"


def test_an_attribute_of_another_type_than_text_is_taken_by_its_json(client):
    assert found(client, tags='{"hot":true,"ratio":0.5}') == ids(1)
