"""Jaeger's `/api/v3`: each request that Jaeger's UI sends, and Grafana with its experimental toggle."""

from __future__ import annotations

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from support.grafana import GoSummary
from support.jaeger_http import ONE, V3, get, ids, shop_of_jaeger
from support.serving import Served, served
from support.world import DECLINED, at

from otel_vector.decode.otlp_json import message_from_json
from otel_vector.testing.builders import trace_bytes
from otel_vector_collector.jaeger.http import router


@pytest.fixture(scope="module")
def client():
    world = shop_of_jaeger()
    with served(Served(world.store, world.services), more=[router]) as asking:
        yield asking


def otlp(answer) -> TracesData:
    """Read an answer as OTLP JSON, by the reader of our own door."""
    return message_from_json(TracesData, answer.json()["result"])


def test_v3_services_and_operations(client):
    assert get(client, "/v3/services").json() == {"services": ["odd/service", "payments", "shop"]}
    operations = get(client, "/v3/operations", service="payments").json()
    assert operations == {"operations": [{"name": "charge", "spanKind": "client"}]}
    internal = get(client, "/v3/operations", service="odd/service").json()["operations"]
    assert internal == [{"name": "x", "spanKind": "internal"}]
    assert get(client, "/v3/operations", service="payments", spanKind="SERVER").json() == {
        "operations": []
    }


def test_v3_trace_is_otlp_json(client):
    answer = get(client, f"/v3/traces/{ONE}", startTime="2023-11-14T22:13:10.000000001Z",
                 endTime="2023-11-15T00:13:10+02:00", rawTraces="true")  # fmt: skip
    (shop, _) = answer.json()["result"]["resourceSpans"]
    (span,) = shop["scopeSpans"][0]["spans"]
    assert (span["traceId"], span["spanId"], span["kind"]) == (ONE, f"{1:016x}", 2)
    assert span["startTimeUnixNano"] == str(at(1) + 1500)
    names = [s.name for r in otlp(answer).resource_spans for s in r.scope_spans[0].spans]
    assert names == ["GET /cart", "charge"]


def test_v3_times_may_be_unescaped_and_in_snake_case(client):
    path = f"/jaeger/api/v3/traces/{ONE}?start_time=2023-11-14T22:13:10+02:00&end_time=2023-11-14T23:13:10.5Z"
    assert client.get(path).status_code == 200
    assert client.get(f"/jaeger/api/v3/traces/{ONE}?start_time=yesterday").status_code == 400
    assert client.get(f"/jaeger/api/v3/traces/{ONE}?rawTraces=maybe").status_code == 400


def test_v3_trace_that_is_unknown(client):
    answer = get(client, f"/v3/traces/{trace_bytes(404).hex()}")
    assert answer.status_code == 404
    assert answer.json() == {"error": {"httpCode": 404, "message": "No traces found"}}


def test_v3_search(client):
    asked = {
        **V3, "query.serviceName": "shop", "query.operationName": "GET /cart",
        "query.attributes": '{"user":"ann"}', "query.durationMin": "1ms",
        "query.durationMax": "1s", "query.searchDepth": 10, "query.rawTraces": "false",
    }  # fmt: skip
    data = otlp(get(client, "/v3/traces", **asked))
    spans = [span for r in data.resource_spans for s in r.scope_spans for span in s.spans]
    assert {span.trace_id for span in spans} == {trace_bytes(1)}
    assert len(spans) == 2


def test_v3_search_by_the_names_of_before(client):
    asked = {
        "query.start_time_min": V3["query.startTimeMin"], "query.num_traces": 1,
        "query.start_time_max": V3["query.startTimeMax"], "query.service_name": "shop",
    }  # fmt: skip
    data = otlp(get(client, "/v3/traces", **asked))
    (span,) = [span for r in data.resource_spans for s in r.scope_spans for span in s.spans]
    assert span.trace_id == trace_bytes(2)


def test_v3_search_without_a_match_is_not_found(client):
    assert get(client, "/v3/traces", **V3, **{"query.serviceName": "nobody"}).status_code == 404


def test_v3_summaries(client):
    answer = get(client, "/v3/trace-summaries", **V3).json()["summaries"]
    first, second, third = [GoSummary.model_validate(summary) for summary in answer]
    assert [first.traceId, second.traceId, third.traceId] == ids(3, 2, 1)
    assert (third.rootServiceName, third.rootOperationName) == ("shop", "GET /cart")
    assert (third.spanCount, third.errorSpanCount, third.orphanSpanCount) == (2, 1, 0)
    assert third.minStartTimeUnixNano == str(at(1) + 1500)
    assert third.services[0] == {"name": "payments", "spanCount": 1, "errorSpanCount": 1}
    none = get(client, "/v3/trace-summaries", **V3, **{"query.serviceName": "nobody"})
    assert none.json() == {"summaries": []}


def test_v3_meaning_scores_are_attributes(client):
    asked = {**V3, "query.attributes": '{"meaning":"card declined by issuer"}',
             "query.serviceName": "payments"}  # fmt: skip
    data = otlp(get(client, "/v3/traces", **asked))
    values = {
        a.key: a.value
        for r in data.resource_spans for s in r.scope_spans for span in s.spans
        if span.name == "charge" for a in span.attributes
    }  # fmt: skip
    assert values["meaning.score"].double_value > 0
    assert values["meaning.text"].string_value == DECLINED[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"query.startTimeMin": ""}, {"query.startTimeMax": "tomorrow"},
        {"query.startTimeMin": V3["query.startTimeMax"]}, {"query.attributes": "x"},
        {"query.durationMin": "1"}, {"query.searchDepth": "ten"}, {"query.filter": "{}"},
        {"query.startTimeMin": "2023-02-30T00:00:00Z"}, {"query.rawTraces": "maybe"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v3/traces", "/v3/trace-summaries"])
def test_v3_refuses_what_it_cannot_read(client, path, wrong):
    answer = get(client, path, **{**V3, **wrong})
    assert answer.status_code == 400
    assert answer.json()["error"]["httpCode"] == 400
    assert answer.json()["error"]["message"]
