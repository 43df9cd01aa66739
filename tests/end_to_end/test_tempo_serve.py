"""Tempo's HTTP API as it is served: written by OTLP, asked as Grafana asks, by key and tenant."""

from dataclasses import replace

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from sending import PROTOBUF, WAIT_S
from serving import Served, eventually
from support.tempo import SearchResponse, SearchTagsV2Response, SearchTagValuesV2Response

from otel_vector.keys.contract import KeyOrder, Role
from otel_vector.settings.config import Settings
from otel_vector.spans.ids import Tenant
from otel_vector.wiring import open_keyring

START_NS = 1_700_000_000_000_000_000
RANGE = {"start": START_NS // 10**9 - 60, "end": START_NS // 10**9 + 600}
FAILURES = (
    "card declined by issuer: insufficient funds",
    "connection to the warehouse timed out",
    "label printer is out of paper",
)
A, B, NOBODY = "team-a", "team-b", "team-c"


def spans(prefix):
    """Return three traces of two spans, of which the second failed, each by a cause of its own."""
    data = TracesData()
    for number, failure in enumerate(FAILURES, 1):
        for span_number, service in ((1, "frontend"), (2, "shop")):
            resource = data.resource_spans.add()
            resource.resource.attributes.add(
                key="service.name"
            ).value.string_value = f"{prefix}-{service}"
            span = resource.scope_spans.add().spans.add(
                trace_id=number.to_bytes(16, "big"),
                span_id=bytes([prefix == A, 0, 0, 0, 0, 0, number, span_number]),
                name=f"step {service}",
                kind=2,
                start_time_unix_nano=START_NS + number * 10**9,
                end_time_unix_nano=START_NS + number * 10**9 + span_number * 10**8,
            )
            if service == "shop":
                span.parent_span_id = bytes([prefix == A, 0, 0, 0, 0, 0, number, 1])
                span.status.code, span.status.message = 2, failure
                span.attributes.add(key="http.response.status_code").value.int_value = 500 + number
    return data


@pytest.fixture(scope="module")
def grafana(tmp_path_factory):
    """Serve a folder of two tenants; yield how to ask it with a key and headers."""
    folder = tmp_path_factory.mktemp("tempo")
    served, keys = Served(folder), {}
    with open_keyring(replace(Settings(), data=served.data)) as ring:
        for name, tenants in {A: (A,), B: (B,), "both": (A, B), "all": ("*",)}.items():
            roles = frozenset({Role.READ, Role.INGEST})
            keys[name] = ring.create(KeyOrder(name, roles, frozenset(map(Tenant, tenants)))).text
        ingest = KeyOrder("sends", frozenset({Role.INGEST}), frozenset({Tenant(A)}))
        keys["sends"] = ring.create(ingest).text
    served.start()
    try:
        for tenant in (A, B):
            httpx.post(
                f"http://{served.endpoints['otlp_http']}/v1/traces",
                content=spans(tenant).SerializeToString(),
                headers={**PROTOBUF, "x-api-key": keys[tenant]},
                timeout=WAIT_S,
                trust_env=False,
            ).raise_for_status()
        with httpx.Client(
            base_url=f"http://{served.endpoints['api']}/tempo/api", trust_env=False, timeout=WAIT_S
        ) as client:

            def ask(path, key=A, headers=None, **parameters):
                bearer = {"authorization": f"Bearer {keys[key]}"} if key else {}
                return client.get(path, params=parameters, headers={**bearer, **(headers or {})})

            for tenant in (A, B):
                eventually(lambda tenant=tenant: is_settled(ask, tenant), WAIT_S)
            yield ask
    finally:
        served.end()


def is_settled(ask, tenant):
    """Whether all is stored and found by meaning."""
    answer = ask("/search", key=tenant, q='{ span.meaning = "payment" }', limit=20, **RANGE)
    return answer.status_code == 200 and len(answer.json()["traces"]) == len(FAILURES)


def traces(answer):
    assert answer.status_code == 200, answer.text
    return SearchResponse.model_validate_json(answer.content).traces


def test_a_question_by_meaning_finds_the_failure_in_other_words(grafana):
    query = f'{{ span.meaning = "customers could not pay" && resource.service.name = "{A}-shop" }}'
    found = traces(grafana("/search", q=query, limit=20, spss=3, **RANGE))
    scores = {
        trace.traceID: max(span.shown["meaning.score"] for span in trace.spanSets[0].spans)
        for trace in found
    }
    assert int(max(scores, key=scores.get), 16) == 1
    (span,) = found[0].spanSets[0].spans
    assert span.shown["service.name"] == f"{A}-shop"
    assert isinstance(span.shown["meaning.text"], str)


def test_a_search_of_the_builder_on_the_embedded_store(grafana):
    query = (
        f'{{resource.service.name="{A}-shop" && span.http.response.status_code>501 && '
        "status=error && duration>100ms}"
    )
    found = traces(grafana("/search", q=query, limit=20, spss=3, **RANGE))
    assert [int(trace.traceID, 16) for trace in found] == [3, 2]
    assert found[0].rootServiceName == f"{A}-frontend"
    assert found[0].spanSets[0].spans[0].shown["http.response.status_code"] == 503


def test_a_trace_by_id_and_the_fall_back(grafana):
    protobuf = {"accept": "application/protobuf"}
    v1 = grafana("/traces/1", headers=protobuf)
    v2 = grafana("/v2/traces/1", headers=protobuf)
    whole = TracesData.FromString(v1.content)
    assert len(whole.resource_spans) == 2
    assert v2.content.endswith(v1.content)
    assert grafana("/v2/traces/99", headers=protobuf).status_code == 404
    assert grafana("/traces/99", headers=protobuf).status_code == 404


def test_tags_and_values_for_the_editor(grafana):
    tags = SearchTagsV2Response.model_validate_json(grafana("/v2/search/tags", limit=5000).content)
    scopes = {scope.name: scope.tags for scope in tags.scopes}
    assert scopes["span"] == ["meaning", "http.response.status_code"]
    assert scopes["resource"] == ["service.name"]

    def values(tag):
        answer = grafana(f"/v2/search/tag/{tag}/values", limit=5000, tag=tag)
        read = SearchTagValuesV2Response.model_validate_json(answer.content).tagValues
        return {value.value for value in read}

    assert values("resource.service.name") == {f"{A}-shop", f"{A}-frontend"}
    assert values("span.meaning")
    assert values("name") == {"step shop", "step frontend"}


@pytest.mark.parametrize("header", ["x-tenant", "X-Scope-OrgID"])
def test_a_tenant_is_chosen_by_header_as_far_as_the_key_allows(grafana, header):
    def services(key, tenant=None):
        headers = {header: tenant} if tenant else {}
        answer = grafana("/v2/search/tag/resource.service.name/values", key=key, headers=headers)
        if answer.status_code != 200:
            return answer.status_code
        return {value["value"] for value in answer.json()["tagValues"]}

    assert services("both", A) == services("all", A) == {f"{A}-shop", f"{A}-frontend"}
    assert services("both", B) == services("all", B) == {f"{B}-shop", f"{B}-frontend"}
    assert services("both") == 400
    assert services("both", NOBODY) == services(A, B) == 403
    assert services("all", NOBODY) == 404


@pytest.mark.parametrize(
    "path",
    ["/echo", "/status/buildinfo", "/search", "/traces/1", "/v2/traces/1", "/search/tags",
     "/v2/search/tags", "/search/tag/name/values", "/v2/search/tag/name/values", "/metrics/query"],
)  # fmt: skip
def test_every_door_asks_for_a_key_that_reads(grafana, path):
    assert grafana(path, key=None).status_code == 401
    assert grafana(path, key="sends").status_code == 403
    assert grafana(path, key="both").status_code == 400


def test_nothing_of_others_is_told(grafana):
    for path in ("/search", "/traces/1", "/v2/search/tags", "/search/tag/service.name/values"):
        assert B not in grafana(path, key=A).text
    assert traces(grafana("/search", q=f'{{.service.name="{B}-shop"}}')) == []


def test_what_is_not_understood_is_refused_in_a_sentence(grafana):
    refused = grafana("/search", q="{ status = error } | rate()", **RANGE)
    assert refused.status_code == 400
    assert refused.text == (
        "at character 20: a pipeline (| rate) is not understood; a query is one spanset: { … }"
    )
