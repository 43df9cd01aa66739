"""The requests of Grafana's two data sources and of Jaeger's UI, byte by byte as they are sent.

Paths and parameters are written as those programs encode them; the collector runs as users run it.
"""

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from sending import PROTOBUF, WAIT_S
from serving import Served, eventually
from support.grafana import GoEdges, GoNames, GoSummary, GoTraces
from support.tempo import SearchResponse, SearchTagsV2Response, SearchTagValuesV2Response
from test_jaeger_grpc import NOW_NS, data_of, row

US, MS, S = NOW_NS // 10**3, NOW_NS // 10**6, NOW_NS // 10**9
WINDOW_US = f"end={US + 3_600_000_000}&limit=20&start={US - 3_600_000_000}"
WINDOW_S = f"start={S - 3600}&end={S + 3600}"
ONE = f"{1:032x}"
DECLINED = "card declined by issuer"
BUILT = (
    "%7Bresource.service.name%3D%22payments%22+%26%26+status%3Derror+%26%26+"
    "span.amount%3E%3D12+%26%26+duration%3E100ms%7D"
)
ASKED = (
    "%7B+span.meaning+%3D+%22declined+card%22+%26%26+resource.service.name+%3D+%22payments%22+%7D"
)
RFC = "2020-01-01T00%3A00%3A00.000000001Z", "2099-01-01T00%3A00%3A00Z"
EVER = "query.startTimeMin=0001-01-01T00%3A00%3A00Z&query.startTimeMax=9999-12-31T23%3A59%3A59Z"
V3 = f"query.startTimeMin={RFC[0]}&query.startTimeMax={RFC[1]}&query.searchDepth=20"


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Serve two traces; yield what asks for a path with its query."""
    served = Served(tmp_path_factory.mktemp("grafana"))
    data = data_of(
        row(trace=1, service="shop", name="GET /cart", duration_ns=900_000_000),
        row(trace=1, span=2, parent=1, service="payments", name="charge", kind=3, status=2,
            status_message=DECLINED, duration_ns=500_000_000, attributes={"amount": 12}),
        row(trace=2, service="shop", name="GET /cart", start_ns=NOW_NS + 5),
    )  # fmt: skip
    try:
        served.start("--set", "embed.model=none")
        with httpx.Client(
            base_url=f"http://{served.endpoints['api']}", trust_env=False, timeout=WAIT_S
        ) as client:
            httpx.post(
                f"http://{served.endpoints['otlp_http']}/v1/traces",
                content=data.SerializeToString(), headers=PROTOBUF, trust_env=False,
            ).raise_for_status()  # fmt: skip

            def get(path, accept="*/*"):
                request = client.build_request("GET", path, headers={"accept": accept})
                assert request.url.raw_path.decode() == path, "the client changed what is sent"
                return client.send(request)

            eventually(lambda: get(f"/jaeger/api/traces/{f'{2:032x}'}").status_code == 200, WAIT_S)
            yield get
    finally:
        served.end()


def traces(answer):
    assert answer.status_code == 200, answer.text
    return [int(t.traceID, 16) for t in GoTraces.model_validate_json(answer.content).data]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"{WINDOW_US}&service=shop", [2, 1]),
        (WINDOW_US, [2, 1]),
        (f"{WINDOW_US}&operation=GET+%2Fcart&service=shop", [2, 1]),
        (f"{WINDOW_US}&service=payments&tags=%7B%22amount%22%3A%2212%22%2C%22error%22%3A%22true%22%7D", [1]),
        (f"{WINDOW_US}&minDuration=100ms&maxDuration=0.6s&service=payments", [1]),
        (f"{WINDOW_US}&service=payments&tags=%7B%22meaning%22%3A%22declined+card%22%7D", [1]),
        (f"{WINDOW_US}&service=nobody", []),
    ],
)  # fmt: skip
def test_grafanas_jaeger_search(ask, query, found):
    assert traces(ask(f"/jaeger/api/traces?{query}")) == found


def test_the_other_requests_of_grafanas_jaeger_data_source(ask):
    services = GoNames.model_validate_json(ask("/jaeger/api/services").content)
    assert services.data == ["payments", "shop"]
    operations = GoNames.model_validate_json(
        ask("/jaeger/api/services/payments/operations").content
    )
    assert operations.data == ["charge"]
    for times in (
        "",
        f"?end={MS + 1000}&start={MS - 1000}",
        f"?end={US + 1000}&start={US - 1000}",
    ):
        assert traces(ask(f"/jaeger/api/traces/{ONE}{times}")) == [1]
    assert ask(f"/jaeger/api/traces/{f'{404:032x}'}").status_code == 404
    graph = ask(f"/jaeger/api/dependencies?endTs={MS + 1000}&lookback=3600000")
    (edge,) = GoEdges.model_validate_json(graph.content).data
    assert (edge.parent, edge.child, edge.callCount) == ("shop", "payments", 1)


def test_jaegers_ui_lists_summaries_and_shows_a_trace(ask):
    assert ask("/jaeger/api/v3/services").json() == {"services": ["payments", "shop"]}
    named = ask("/jaeger/api/v3/operations?service=payments").json()
    assert named == {"operations": [{"name": "charge", "spanKind": "client"}]}
    answer = ask(f"/jaeger/api/v3/trace-summaries?query.serviceName=shop&{V3}")
    first, second = [GoSummary.model_validate(s) for s in answer.json()["summaries"]]
    assert (int(first.traceId, 16), int(second.traceId, 16)) == (2, 1)
    tags = "query.attributes=%7B%22error%22%3A%22true%22%7D&query.durationMin=100ms"
    found = ask(f"/jaeger/api/v3/traces?{V3}&{tags}&query.rawTraces=false")
    assert len(found.json()["result"]["resourceSpans"]) == 2
    assert ask(f"/jaeger/api/v3/traces?{V3}&query.serviceName=nobody").status_code == 404
    whole = ask(f"/jaeger/api/v3/traces/{ONE}?start_time=2020-01-01T00:00:00Z&end_time={RFC[1]}")
    assert whole.status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"q=%7B%7D&limit=20&spss=3&{WINDOW_S}", [2, 1]),
        (f"q={BUILT}&limit=20&spss=3&{WINDOW_S}", [1]),
        (f"q={ASKED}&limit=20&spss=3&{WINDOW_S}", [1]),
        (f"limit=20&spss=3&q=%7Bname%3D~%22GET.*%22%7D&{WINDOW_S}", [2, 1]),
        (f"limit=20&spss=3&q=%7BtraceDuration%3E500ms%7D&{WINDOW_S}", [1]),
    ],
)
def test_grafanas_tempo_search(ask, query, found):
    answer = ask(f"/tempo/api/search?{query}")
    assert answer.status_code == 200, answer.text
    read = SearchResponse.model_validate_json(answer.content).traces
    assert [int(trace.traceID, 16) for trace in read] == found


def test_a_score_is_an_attribute_of_the_span_and_so_a_column(ask):
    answer = ask(f"/tempo/api/search?q={ASKED}&limit=20&spss=3&{WINDOW_S}")
    (trace,) = SearchResponse.model_validate_json(answer.content).traces
    (span,) = trace.spanSets[0].spans
    assert span.shown["service.name"] == "payments"
    assert span.shown["meaning.text"] == DECLINED
    assert isinstance(span.shown["meaning.score"], float)


def test_the_other_requests_of_grafanas_tempo_data_source(ask):
    assert ask("/tempo/api/echo").status_code == 200
    protobuf = "application/protobuf"
    v2 = ask(f"/tempo/api/v2/traces/{ONE}?{WINDOW_S}", protobuf)
    v1 = ask(f"/tempo/api/traces/{ONE}", protobuf)
    assert v2.headers["content-type"] == protobuf
    assert len(TracesData.FromString(v1.content).resource_spans) == 2
    assert v2.content[0] == 0x0A
    assert v2.content.endswith(v1.content)
    unknown = f"{404:032x}"
    assert ask(f"/tempo/api/v2/traces/{unknown}", protobuf).status_code == 404
    assert ask(f"/tempo/api/traces/{unknown}", protobuf).status_code == 404
    for query in ("limit=5000", f"limit=5000&{WINDOW_S}"):
        tags = ask(f"/tempo/api/v2/search/tags?{query}")
        scopes = {
            s.name: s.tags for s in SearchTagsV2Response.model_validate_json(tags.content).scopes
        }
        assert scopes["span"] == ["meaning", "amount"]
    narrowed = "q=%7Bresource.service.name%3D%22payments%22%7D"
    for tag, values in {
        "resource.service.name": {"payments"}, "span.amount": {"12"}, "span%3Aname": {"charge"},
        "status": {"ok", "error", "unset"}, "span.meaning": {DECLINED},
    }.items():  # fmt: skip
        path = f"/tempo/api/v2/search/tag/{tag}/values?limit=5000&tag={tag}&{narrowed}&{WINDOW_S}"
        read = SearchTagValuesV2Response.model_validate_json(ask(path).content)
        assert {value.value for value in read.tagValues} == values


@pytest.mark.parametrize(
    "query",
    [
        f"start={10**18 - 1}", f"end={10**18 - 1}", "start=-5", "end=-5", f"start=-{10**17}",
        "minDuration=99999999999999999999h", "maxDuration=99999999999999999999h", "limit=-1",
        "limit=0", f"limit={10**17}", "tags=%7B%22%22%3A%22x%22%7D",
        "tags=%7B%22a%22%3A%22%5Cu0000%22%7D",
    ],
)  # fmt: skip
def test_numbers_beyond_all_measure_are_answered(ask, query):
    assert set(traces(ask(f"/jaeger/api/traces?{query}"))) <= {1, 2}


@pytest.mark.parametrize(
    "path",
    [
        "/jaeger/api/dependencies?endTs=100000000000000000&lookback=100000000000000000",
        "/jaeger/api/dependencies?endTs=-100000000000000000",
        f"/jaeger/api/v3/trace-summaries?{EVER}",
        "/tempo/api/search?start=1&end=4294967295&limit=10000&spss=10000&q=%7Bduration%3E-1s%7D",
    ],
)
def test_windows_beyond_all_measure_are_answered(ask, path):
    assert ask(path).status_code == 200
