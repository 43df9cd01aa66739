"""Tags and their values, as editors of queries ask for them, of Tempo's HTTP API."""

from __future__ import annotations

import pytest
from support.serving import Served, served
from support.tempo import (
    SearchTagsResponse,
    SearchTagsV2Response,
    SearchTagValuesResponse,
    SearchTagValuesV2Response,
    shop_of_grafana,
)
from support.world import DECLINED, TIMEOUT, at

from otel_vector.testing.builders import SECOND_NS
from otel_vector_collector.tempo.http import router


@pytest.fixture(scope="module")
def client():
    world = shop_of_grafana()
    with served(Served(world.store, world.services), more=[router]) as asking:
        yield asking


def scopes(client, **parameters):
    answer = client.get("/tempo/api/v2/search/tags", params=parameters)
    tags = SearchTagsV2Response.model_validate_json(answer.content)
    return {scope.name: scope.tags for scope in tags.scopes}


def test_tags_come_by_scope_and_meaning_is_one_of_spans(client):
    tags = scopes(client, limit=5000)
    assert set(tags) == {"resource", "span", "event", "link", "instrumentation", "intrinsic"}
    assert tags["span"][0] == "meaning"
    assert {"user", "http.response.status_code", "a b"} <= set(tags["span"])
    assert set(tags["resource"]) == {"service.name", "k8s.pod.name"}
    assert tags["event"] == ["exception.type"]
    assert {"name", "status", "duration", "rootServiceName", "trace:id"} <= set(tags["intrinsic"])


def test_tags_of_a_window_of_one_scope_and_few(client):
    second = at(0) // SECOND_NS
    narrowed = scopes(client, limit=5000, start=second + 15, end=second + 25)
    assert narrowed["span"] == ["meaning", "user"]
    assert set(scopes(client, scope="resource")) == {"resource"}
    assert scopes(client, limit=1)["span"] == ["meaning"]


def test_tags_of_the_older_api_have_no_scopes(client):
    answer = client.get("/tempo/api/search/tags")
    names = SearchTagsResponse.model_validate_json(answer.content).tagNames
    assert {"user", "service.name", "meaning", "status"} <= set(names)


def values(client, tag, **parameters):
    answer = client.get(
        f"/tempo/api/v2/search/tag/{tag}/values", params={"limit": 5000, "tag": tag, **parameters}
    )
    assert answer.status_code == 200, answer.text
    read = SearchTagValuesV2Response.model_validate_json(answer.content)
    return [(value.type, value.value) for value in read.tagValues]


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("resource.service.name", [("string", n) for n in ("payments", "shop", "stock")]),
        (".service.name", [("string", n) for n in ("payments", "shop", "stock")]),
        ("rootServiceName", [("string", n) for n in ("payments", "shop", "stock")]),
        ("name", [("string", n) for n in ("GET /cart", "charge", "reserve")]),
        ("span:name", [("string", n) for n in ("GET /cart", "charge", "reserve")]),
        ("rootName", [("string", "GET /cart")]),
        ("status", [("keyword", s) for s in ("error", "ok", "unset")]),
        ("span.user", [("string", "ann"), ("string", "bob")]),
        (".user", [("string", "ann"), ("string", "bob")]),
        ("resource.user", []),
        ("span.http.response.status_code", [("int", "402"), ("int", "500")]),
        ("span.ratio", [("float", "0.5")]),
        ("span.hot", [("bool", "true")]),
        ("span.list", [("string", "x"), ("string", "y")]),
        ("span.a b", [("string", "spaced")]),
        ("event:name", [("string", "exception")]),
        ("duration", []),
        ("statusMessage", [("string", "no funds")]),
        ("span.nothing/at/all", []),
    ],
)
def test_values_are_typed(client, tag, expected):
    assert sorted(values(client, tag)) == sorted(expected)


def test_values_of_a_kind_are_its_words(client):
    assert ("keyword", "server") in values(client, "kind")


def test_values_are_narrowed_by_the_query_and_the_window(client):
    assert values(client, "span.user", q='{resource.service.name="payments"}') == []
    assert values(client, "name", q='{resource.service.name="payments"}') == [("string", "charge")]
    second = at(0) // SECOND_NS
    assert values(client, "span.user", start=second + 15, end=second + 25) == [("string", "bob")]


def test_a_query_that_is_still_being_typed_narrows_nothing(client):
    assert len(values(client, "span.user", q='{resource.service.name="payments" && }')) == 2


def test_values_of_meaning_are_questions_to_ask(client):
    asked = [text for _, text in values(client, "span.meaning")]
    assert asked == [DECLINED[1], TIMEOUT[1]]


def test_values_of_the_older_api_are_texts(client):
    answer = client.get("/tempo/api/search/tag/service.name/values")
    read = SearchTagValuesResponse.model_validate_json(answer.content)
    assert read.tagValues == ["payments", "shop", "stock"]
