"""Tempo's HTTP API: each request that Grafana's data source is known to send, and its traps.

Answers are read as strictly as that program reads them.
"""

from __future__ import annotations

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from support.serving import Served, served
from support.tempo import ONE, PROTOBUF, SearchResponse, shop_of_grafana
from support.world import DECLINED, World, at

from otel_vector.decode.otlp_json import message_from_json
from otel_vector.spans.items import traces_data
from otel_vector.testing.builders import SECOND_NS, TENANT, SpanRow, trace_bytes
from otel_vector_collector.tempo.http import router

MS = 1_000_000
START, END = at(0) // SECOND_NS - 60, at(0) // SECOND_NS + 3_600
RANGE = {"start": START, "end": END}


@pytest.fixture(scope="module")
def world():
    return shop_of_grafana()


@pytest.fixture(scope="module")
def client(world):
    with served(Served(world.store, world.services), more=[router]) as asking:
        yield asking


def searched(client, query="", **more):
    parameters = {"q": query, **RANGE, **more} if query else {**RANGE, **more}
    answer = client.get("/tempo/api/search", params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return SearchResponse.model_validate_json(answer.content).traces


def found(client, query, **more):
    return [int(trace.traceID, 16) for trace in searched(client, query, **more)]


def refused(client, path, status=400, **parameters):
    answer = client.get(f"/tempo/api{path}", params=parameters)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    assert "\n" not in answer.text
    return answer.text


# --- Save & test, and a trace.


def test_the_health_check_is_answered(client):
    assert client.get("/tempo/api/echo").text == "echo"
    info = client.get("/tempo/api/status/buildinfo").json()
    assert info["version"].split(".")[0] == "2"
    assert info["revision"].startswith("otel-vector ")


def test_a_trace_by_id_is_a_field_of_the_answer_as_protobuf(client, world):
    answer = client.get(f"/tempo/api/v2/traces/{ONE}", headers=PROTOBUF)
    assert answer.headers["content-type"] == "application/protobuf"
    spans = traces_data(world.store.tenant(TENANT).reader.trace(trace_bytes(1)))
    assert answer.content[0] == 0x0A  # field 1, with a length
    length, body = unvarint(answer.content[1:])
    assert length == len(body)
    assert TracesData.FromString(body) == spans


def unvarint(raw):
    value = shift = 0
    for place, byte in enumerate(raw):
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, raw[place + 1 :]
    raise AssertionError("no varint")


def test_the_older_answer_is_the_trace_itself(client, world):
    spans = traces_data(world.store.tenant(TENANT).reader.trace(trace_bytes(1)))
    answer = client.get(f"/tempo/api/traces/{ONE}", headers=PROTOBUF)
    assert answer.headers["content-type"] == "application/protobuf"
    assert TracesData.FromString(answer.content) == spans
    as_json = client.get(f"/tempo/api/traces/{ONE}")
    assert as_json.headers["content-type"] == "application/json"
    assert message_from_json(TracesData, as_json.content) == spans
    v2 = client.get(f"/tempo/api/v2/traces/{ONE}", headers={"accept": "application/json"})
    assert list(v2.json()) == ["trace"]
    assert v2.json()["trace"] == as_json.json()


@pytest.mark.parametrize("trace", ["1", "01", ONE, ONE.upper()])
def test_a_trace_id_may_lack_leading_zeros(client, trace):
    for path in ("v2/traces", "traces"):
        assert client.get(f"/tempo/api/{path}/{trace}", headers=PROTOBUF).status_code == 200


def test_an_unknown_trace_is_not_found_on_both_paths(client):
    assert refused(client, "/v2/traces/abc", 404) == f"there is no trace {'abc':0>32}"
    assert refused(client, "/traces/abc", 404) == f"there is no trace {'abc':0>32}"


@pytest.mark.parametrize("trace", ["xyz", "1" * 33, "-1"])
def test_what_is_no_trace_id_is_refused(client, trace):
    assert "1 to 32 hex digits" in refused(client, f"/v2/traces/{trace}")


def test_a_trace_is_looked_for_in_a_window(client):
    second = at(0) // SECOND_NS
    inside, before = {"start": second, "end": second + 1}, {"start": 1, "end": second - 1}
    assert client.get(f"/tempo/api/v2/traces/{ONE}", params=inside).status_code == 200
    assert "in this window" in refused(client, f"/v2/traces/{ONE}", 404, **before)
    assert "start has to be before end" in refused(client, f"/traces/{ONE}", start=9, end=9)


# --- Search.


def test_the_search_of_the_empty_builder(client):
    traces = searched(client, "{}", limit=20, spss=3)
    assert [int(trace.traceID, 16) for trace in traces] == [3, 2, 1]
    one = traces[-1]
    assert (one.rootServiceName, one.rootTraceName, one.durationMs) == ("shop", "GET /cart", 2500)
    assert one.startTimeUnixNano == str(at(1))
    assert {name: (s.spanCount, s.errorCount) for name, s in one.serviceStats.items()} == {
        "payments": (2, 2),
        "shop": (1, 0),
    }
    assert one.spanSets[0].matched == 3
    assert traces[0].rootServiceName == "<root span not yet received>"


def test_the_search_without_a_query_is_for_everything(client):
    assert [int(trace.traceID, 16) for trace in searched(client)] == [3, 2, 1]


def test_the_builders_search_shows_the_spans_that_match_and_what_was_asked(client):
    query = (
        '{resource.service.name="payments" && span.http.response.status_code>=400 && status=error}'
    )
    (trace,) = searched(client, query, limit=20, spss=3)
    (span_set,) = trace.spanSets
    assert span_set.matched == 1
    (span,) = span_set.spans
    assert (span.spanID, span.name, span.durationNanos) == (f"{2:016x}", "charge", str(500 * MS))
    assert span.shown == {
        "service.name": "payments",
        "http.response.status_code": 402,
        "status": "error",
    }


@pytest.mark.parametrize(
    ("query", "traces"),
    [
        ('{resource.service.name=~"shop|stock"}', [3, 2, 1]),
        ('{(resource.service.name="shop" || resource.service.name="stock") && duration>1s}', [1]),
        ('{(name!="charge" && name!="reserve") && duration<1.5s}', [2]),
        ('{.user="ann"}', [1]),
        ('{.user!="ann"}', [2]),
        ('{.user!~"a.*"}', [2]),
        ("{.user=nil && kind=server}", [3]),
        ("{span.ratio=0.5 && span.hot=true}", [1]),
        ('{span.hot="true"}', []),
        ('{span.http.response.status_code="500"}', []),
        ("{span.http.status_code=500}", [1]),
        ('{event.exception.type="PaymentError" && event:name="exception"}', [1]),
        ('{link.why="batch"}', [1]),
        ('{instrumentation.tier="gold" && instrumentation:name="library"}', [1]),
        ('{span."a b"="spaced"}', [1]),
        ('{span.list="y"}', [1]),
        ('{statusMessage="no funds"}', [1]),
        ('{rootServiceName="shop" && status=error}', [1]),
        ('{rootName="GET /cart" && traceDuration>2s}', [1]),
        ('{trace:id="1" && span:id="2"}', [1]),
        ('{trace:rootService="shop" && span:kind=client}', [1]),
        ('{span.otel_vector.run.kind="replay"}', [4]),
    ],
)
def test_queries_of_the_editor(client, query, traces):
    assert found(client, query) == traces


def test_all_conditions_of_a_spanset_are_on_one_span(client):
    assert found(client, '{resource.service.name="shop" && status=error}') == []


def test_spans_of_a_set_are_as_many_as_asked_and_all_are_counted(client):
    (trace,) = searched(client, '{name="charge"}', spss=1)
    assert (len(trace.spanSets[0].spans), trace.spanSets[0].matched) == (1, 2)
    (trace,) = searched(client, '{name="charge"}', spss=0)
    assert len(trace.spanSets[0].spans) == 2


def test_twenty_traces_of_three_spans_are_shown_unless_told_otherwise():
    world = World()
    world.write(
        [SpanRow(trace=n, span=s, start_ns=at(n)) for n in range(1, 23) for s in range(1, 6)]
    )
    with served(Served(world.store, world.services), more=[router]) as client:
        traces = searched(client, "{}")
        assert [int(trace.traceID, 16) for trace in traces] == list(range(22, 2, -1))
        assert {len(trace.spanSets[0].spans) for trace in traces} == {3}
        assert {trace.spanSets[0].matched for trace in traces} == {5}


def test_digits_alone_are_no_query_and_grafana_asks_for_the_trace_instead(client):
    assert "cannot be read here" in refused(client, "/search", q=ONE)
    assert "a query is one spanset" in refused(client, "/search", q="abc123")


def test_the_limit_is_of_traces(client):
    assert found(client, "{}", limit=2) == [3, 2]


def test_the_window_is_of_the_spans_start(client):
    second = at(0) // SECOND_NS
    assert found(client, "{}", start=second + 15, end=second + 25) == [2]
    assert found(client, "{}", start=second + 21, end=second + 29) == []


def test_the_search_by_tags_and_durations(client):
    assert found(client, "", tags="service.name=payments error=true") == [1]
    assert found(client, "", tags='name="GET /cart" user=bob') == [2]
    assert found(client, "", tags="http.response.status_code=500 hot=true") == [1]
    assert found(client, "", tags="root.service.name=shop status.code=error") == [1]
    assert found(client, "", tags="step") == [1]
    assert found(client, "", tags="service.name=shop", minDuration="1s") == [1]
    assert found(client, "", tags="service.name=shop", maxDuration="1s") == [2]


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"q": "{} | rate()"}, "at character 4: a pipeline (| rate) is not understood"),
        ({"q": "{.a=1} >> {.b=2}"}, "at character 8: the structural operator >>"),
        ({"q": "{.a=1", "tags": "b=2"}, "q and tags cannot be given together"),
        ({"tags": 'a="b'}, "tags cannot be read at character 1"),
        ({"tags": "a=1 a=2"}, "tags have 'a' twice"),
        ({"limit": "0"}, "limit is a whole number from 1"),
        ({"limit": "many"}, "limit is a whole number from 1"),
        ({"spss": "-1"}, "spss is a whole number from 0"),
        ({"start": 9, "end": 9}, "start has to be before end"),
        ({"minDuration": "long"}, "'long' is no duration"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(client, parameters, told):
    assert told in refused(client, "/search", **parameters)


def test_metrics_are_refused_in_a_sentence(client):
    told = refused(client, "/metrics/query_range", q="{} | rate()")
    assert "TraceQL metrics" in told


def test_what_is_refused_before_a_route_is_known_is_a_sentence_too(client):
    assert refused(client, "/nothing", 404) == "Not Found: GET /tempo/api/nothing"
    assert client.post("/tempo/api/search").headers["content-type"].startswith("text/plain")


# --- Meaning.


def test_meaning_is_a_question_and_the_rest_filters(client):
    query = '{ span.meaning = "card declined by issuer" && resource.service.name = "payments" }'
    (trace,) = searched(client, query)
    assert trace.spanSets[0].matched == 2
    for span in trace.spanSets[0].spans:
        assert span.shown["service.name"] == "payments"
        assert span.shown["meaning.text"] == DECLINED[1]
        assert isinstance(span.shown["meaning.score"], float)
        assert span.shown["meaning.score"] > 0


def test_meaning_without_a_scope_and_with_conditions_no_filter_can_say(client):
    assert found(client, '{ .meaning = "card declined by issuer" && span.step != 1 }') == [1]
    assert found(client, '{ .meaning = "inventory did not answer" && status = error }')[0] == 3
    assert found(client, "", tags='meaning="inventory did not answer" service.name=stock') == [3]


def test_scores_are_nowhere_stored(client):
    searched(client, '{ .meaning = "card declined by issuer" }')
    assert found(client, "{ span.meaning.score != nil }") == []
    assert b"meaning.score" not in client.get(f"/tempo/api/traces/{ONE}").content


@pytest.mark.parametrize(
    "query",
    ['{.meaning="a" || name="b"}', '{.meaning="a" && span.meaning="b"}', '{.meaning!="a"}',
     '{.meaning=~"a"}', "{.meaning=5}", "{.meaning!=nil}", '{.meaning=" "}'],
)  # fmt: skip
def test_meaning_is_asked_once_and_in_one_way(client, query):
    assert 'span.meaning = "…"' in refused(client, "/search", q=query)
