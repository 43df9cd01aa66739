"""The examples of docs/interop/tempo.md and grafana.md are true."""

import re
from pathlib import Path

import pytest
import yaml
from support.serving import Served, served
from support.tempo import SearchResponse, shop_of_grafana

from otel_vector.errors import InvalidQueryError
from otel_vector.services.catalog import SAMPLE
from otel_vector.services.finding import MEANINGS, MOST_S, MOST_SPANS
from otel_vector.settings.config import ServeConfig
from otel_vector_collector.jaeger.http import router as jaeger
from otel_vector_collector.tempo.http import router
from otel_vector_collector.tempo.parameters import MOST_TRACES
from otel_vector_collector.tempo.traceql.expressions import Intrinsic
from otel_vector_collector.tempo.traceql.names import INTRINSICS
from otel_vector_collector.tempo.traceql.parser import MAX_CHARS, MAX_CONDITIONS, MAX_DEPTH, parse

DOCS = Path(__file__).parents[2] / "docs" / "interop"
TEMPO, GRAFANA = ((DOCS / name).read_text() for name in ("tempo.md", "grafana.md"))
PROSE = " ".join(TEMPO.split())


def rows(header):
    table = TEMPO.split(f"\n{header}\n")[1].split("\n\n")[0].splitlines()[1:]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in table]
    return [[cell.strip("`").replace("\\|", "|") for cell in row] for row in cells]


@pytest.fixture(scope="module")
def client():
    world = shop_of_grafana()
    with served(Served(world.store, world.services), more=[router]) as asking:
        yield asking


@pytest.mark.parametrize("query", [row[0] for row in rows("| query | finds spans |")])
def test_each_example_finds_something_and_not_everything(client, query):
    answer = client.get("/tempo/api/search", params={"q": query})
    assert answer.status_code == 200, answer.text
    found = SearchResponse.model_validate_json(answer.content).traces
    assert sum(trace.spanSets[0].matched for trace in found) in range(1, 5 if query != "{}" else 6)


@pytest.mark.parametrize(("query", "told"), rows("| query | answer |"))
def test_each_refusal_is_told_so(query, told):
    with pytest.raises(InvalidQueryError) as caught:
        parse(query)
    assert str(caught.value) == told


def test_the_intrinsics_are_those_that_there_are():
    told = {name: other for name, other, _ in rows("| intrinsic | also | is |")}
    assert set(told) == {intrinsic.value for intrinsic in Intrinsic}
    assert {*told, *filter(None, told.values())} == set(INTRINSICS)
    assert all(INTRINSICS[other] == name for name, other in told.items() if other)


def test_the_requests_are_those_that_are_answered():
    told = set(re.findall(r"GET (/tempo/[^`]+)`", TEMPO))
    routes = {route.path.replace(":path", "").replace("trace_id", "id") for route in router.routes}
    older = {"/tempo/api/search/tag/{tag}/values", "/tempo/api/metrics/{rest}"}
    assert told == routes - older


def test_the_example_of_meaning_is_read():
    examples = re.findall(r"^\{ span\.meaning = .*\}$", TEMPO + GRAFANA, re.MULTILINE)
    assert len(examples) == 2
    for example in examples:
        parse(example)


def test_the_limits_are_told():
    assert (
        f"at most {MAX_CHARS:,} characters, {MAX_CONDITIONS} conditions and {MAX_DEPTH} levels"
        in PROSE
    )
    assert f"at most {MOST_TRACES:,} traces" in PROSE
    assert f"more than {MOST_S:g} seconds" in PROSE
    assert f"no more than {MOST_SPANS:,} spans" in PROSE
    assert f"the {SAMPLE:,} newest spans" in PROSE
    assert MEANINGS == 10
    assert "The ten meanings nearest" in PROSE


def test_the_data_sources_lead_to_the_routes_there_are():
    provisioned = yaml.safe_load(GRAFANA.split("```yaml\n")[1].split("```")[0])
    assert provisioned["apiVersion"] == 1
    prefixes = {"tempo": router.prefix, "jaeger": jaeger.prefix}
    for source in provisioned["datasources"]:
        path = source["url"].removeprefix("${VECTOR_URL}")
        assert prefixes[source["type"]] == f"{path}/api"
        headers = len(source["secureJsonData"])
        assert {f"httpHeaderName{n}" for n in range(1, headers + 1)} <= set(source["jsonData"])
    tempo = next(s for s in provisioned["datasources"] if s["type"] == "tempo")
    assert tempo["jsonData"]["streamingEnabled"] == {"search": False, "metrics": False}
    assert ServeConfig().api in GRAFANA
