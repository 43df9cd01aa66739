"""What the dashboards ask of the API and of Tempo's door is answered with what they show."""

import json
import time
from datetime import UTC, datetime

import pytest
from support.dashboards import (
    BOARDS,
    INFINITY,
    ROOT,
    filled,
    infinity_request,
    selected,
    targets,
    texts,
)
from support.tempo import SearchResponse

from otel_vector.testing.builders import trace_bytes

OPENAPI = json.loads((ROOT / "docs" / "openapi.json").read_text())
DEFAULTS = {
    variable["name"]: variable["current"]["value"]
    for board in BOARDS.values()
    for variable in board["templating"]["list"]
    if variable["type"] in {"textbox", "custom"}
}


def values(**others):
    """Return what the variables of a dashboard over the last hour stand for."""
    now = time.time()
    moments = {"__from": now - 3600, "__to": now + 60}
    written = {
        name: datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        for name, at in moments.items()
    }
    return {**DEFAULTS, **written, **others}


@pytest.mark.parametrize("target", targets(INFINITY), ids=str)
def test_the_api_answers_each_panel_with_every_column_it_shows(asked, target):
    answer = asked.send(infinity_request(str(asked.base_url), target.query, values()))
    assert answer.status_code == 200, answer.text
    rows = selected(answer.json(), target.query["root_selector"])
    assert rows
    for row in rows:
        for column in target.query["columns"]:
            value = selected(row, column["selector"])
            assert isinstance(float(value) if column["type"] == "number" else value, str | float)


@pytest.mark.parametrize("target", targets(INFINITY), ids=str)
def test_what_it_asks_with_is_in_the_schema(target):
    options = target.query["url_options"]
    route = OPENAPI["paths"][target.query["url"]][options["method"].lower()]
    known = {parameter["name"] for parameter in route.get("parameters", ())}
    if options["method"] == "POST":
        body = OPENAPI["components"]["schemas"]["SearchBody"]
        assert set(json.loads(filled(options["data"], values()))) <= set(body["properties"])
    assert {pair["key"] for pair in options["params"]} <= known


@pytest.mark.parametrize(
    "question",
    ['a "quoted" one', "", "customers: why? & how #1 {x}", "Zahlung schlug fehl ¿por qué?"],
)
@pytest.mark.parametrize("target", targets(INFINITY)[2:3], ids=str)
def test_any_question_can_be_typed(asked, target, question):
    request = infinity_request(str(asked.base_url), target.query, values(question=question))
    assert asked.send(request).status_code == 200


@pytest.mark.parametrize("target", targets(INFINITY), ids=str)
def test_the_filter_narrows(asked, target):
    request = infinity_request(str(asked.base_url), target.query, values(filter="service:stock"))
    groups = asked.send(request).json()["groups"]
    assert groups
    assert {name for group in groups for name in group["spans"]["services"]} == {"stock"}


def test_the_most_frequent_error_comes_first(asked):
    (target,) = [t for t in targets(INFINITY) if t.panel == "Errors by meaning"]
    rows = asked.send(infinity_request(str(asked.base_url), target.query, values())).json()[
        "groups"
    ]
    assert "card declined" in rows[0]["meaning"]["text"]
    assert [row["spans"]["errors"] for row in rows] == [2, 1, 1]


def test_the_slowest_operation_comes_first(asked):
    (target,) = [t for t in targets(INFINITY) if t.panel == "Latency by meaning"]
    rows = asked.send(infinity_request(str(asked.base_url), target.query, values())).json()[
        "groups"
    ]
    assert [row["examples"][0]["service"] for row in rows] == ["stock", "payment", "post"]


@pytest.mark.parametrize("target", targets("tempo"), ids=str)
def test_tempos_door_takes_what_a_panel_asks_and_finds_spans(asked, target):
    now = int(time.time())
    answer = asked.get(
        "/tempo/api/search",
        params={
            "q": filled(target.query["query"], values()),
            "limit": target.query["limit"],
            "spss": target.query["spss"],
            "start": now - 3600,
            "end": now + 60,
        },
    )
    assert answer.status_code == 200, answer.text
    assert SearchResponse.model_validate_json(answer.content).traces


LINKS = sorted({text for text in texts(BOARDS) if text.startswith("${public}")})
FAILURE = "card declined by issuer"


@pytest.mark.parametrize("link", LINKS)
def test_links_lead_to_a_page_that_shows_what_was_meant(asked, link):
    value = FAILURE if "like=" in link else trace_bytes(1).hex()
    url = filled(link, {"public": str(asked.base_url), "__value": value})
    page = asked.get(url, headers={"accept": "text/html"})
    assert page.status_code == 200
    assert FAILURE in page.text
    assert "charge card" in page.text
