# ruff: noqa: N815 -- the names are those of others
"""The shipped dashboards are what Grafana reads, and hold together."""

import json
import re
from itertools import combinations
from typing import Literal

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from pydantic import BaseModel, ConfigDict
from support.dashboards import BOARDS, BUILT_IN, GRAFANA, INFINITY, targets, texts, variables_in

register_default_plugins()
SOURCES = yaml.safe_load((GRAFANA / "provisioning/datasources/otel-vector.yaml").read_text())
TYPES = {source["uid"]: source["type"] for source in SOURCES["datasources"]}
boards = pytest.mark.parametrize("name", BOARDS)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Source(_Strict):
    type: str
    uid: str


class Pair(_Strict):
    key: str
    value: str


class Get(_Strict):
    method: Literal["GET"]
    params: list[Pair]


class Post(_Strict):
    method: Literal["POST"]
    params: list[Pair]
    body_type: Literal["raw"]
    body_content_type: Literal["application/json"]
    data: str


class Column(_Strict):
    selector: str
    text: str
    type: Literal["string", "number", "timestamp", "boolean"]


class InfinityQuery(_Strict):
    """What the plugin calls `InfinityJSONQuery`, asked of a URL (src/types/query.types.ts)."""

    refId: str
    datasource: Source
    type: Literal["json"]
    source: Literal["url"]
    parser: Literal["backend"]
    format: Literal["table"]
    url: str
    url_options: Get | Post
    root_selector: str
    columns: list[Column]
    filters: list[dict[str, str]]


@boards
def test_nothing_in_it_is_unknown_to_grafanas_schema(name):
    """What Grafana's published types do not know is lost when they write it again."""
    read = Dashboard.from_json(BOARDS[name])
    written = json.loads(json.dumps(read, cls=JSONEncoder))
    assert list(lost(BOARDS[name], written)) == []


@boards
def test_ids_of_panels_are_unique_and_panels_do_not_overlap(name):
    panels = BOARDS[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert not any(overlap(one, other) for one, other in combinations(places, 2))


@boards
def test_every_panel_says_what_it_shows(name):
    panels = [panel for panel in BOARDS[name]["panels"] if panel["type"] != "row"]
    titles = [panel["title"] for panel in panels]
    assert all(panel["description"].endswith(".") for panel in panels)
    assert len(set(titles)) == len(titles)


def test_each_dashboard_has_an_address_of_its_own():
    assert [BOARDS[name]["uid"] for name in BOARDS] == [f"otel-vector-{name}" for name in BOARDS]
    assert len({board["title"] for board in BOARDS.values()}) == len(BOARDS)


@boards
def test_each_data_source_is_provisioned(name):
    used = list(sources(BOARDS[name]))
    assert used and {(one["uid"], one["type"]) for one in used} <= set(TYPES.items())


@boards
def test_variables_are_defined_and_used(name):
    defined = {variable["name"] for variable in BOARDS[name]["templating"]["list"]}
    used = variables_in(BOARDS[name]["panels"])
    assert used - BUILT_IN == defined


@pytest.mark.parametrize("target", targets(INFINITY), ids=str)
def test_the_plugin_knows_what_it_is_asked(target):
    InfinityQuery.model_validate(target.query)


def test_links_lead_to_the_page_by_its_parameters():
    urls = {text for text in texts(BOARDS) if text.startswith("${public}")}
    assert urls == {
        "${public}/ask/trace/${__value.raw}",
        "${public}/ask?trace=${__value.raw}",
        "${public}/ask?like=${__value.raw:percentencode}",
    }


def test_fields_of_overrides_are_columns_of_their_panel():
    for board in BOARDS.values():
        for panel in board["panels"]:
            overrides = panel.get("fieldConfig", {}).get("overrides", ())
            named = {rule["matcher"]["options"] for rule in overrides}
            columns = {c["text"] for t in panel.get("targets", ()) for c in t.get("columns", ())}
            assert named <= columns | {"Score"}, panel["title"]


def sources(value):
    if isinstance(value, dict):
        if "datasource" in value:
            yield value["datasource"]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from sources(inner)


def lost(before, after, place="dashboard"):
    """Yield what is not the same, or not there, after reading and writing."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in after:
                yield from lost(value, after[key], f"{place}.{key}")
            else:
                yield f"{place}.{key}"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from lost(one, other, f"{place}[{number}]")
    elif before != after:
        yield f"{place}: {before!r} became {after!r}"


def overlap(one, other):
    across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
    down = one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]
    return across and down


def test_what_grafana_does_not_know_would_be_found():
    """The schema test is no better than what it finds."""
    wrong = json.loads(json.dumps(BOARDS["ingest"]))
    wrong["panels"][1]["options"]["colourMode"] = "value"
    wrong["panels"][1]["targets"][0]["expresion"] = "up"
    written = json.loads(json.dumps(Dashboard.from_json(wrong), cls=JSONEncoder))
    found = [re.sub(r"\[\d+\]", "", place) for place in lost(wrong, written)]
    assert found == ["dashboard.panels.targets.expresion", "dashboard.panels.options.colourMode"]
