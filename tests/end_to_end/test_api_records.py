"""Records over HTTP: one by one, in lists, and as lines of any number."""

from __future__ import annotations

import asyncio
import json
import time

import httpx
import pytest
from support.serving import Served, served
from support.world import World

from otel_vector.client import Client
from otel_vector.errors import InvalidInputError, MalformedError, NotFoundError
from otel_vector_collector.api.lines import MAX_LINE_BYTES, values_in

JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}
LONG = " ".join(f"word{n}" for n in range(30_000))
PAY = {
    "key": "shop/pay.py:charge",
    "body": {"line": 12},
    "texts": [{"facet": "code", "text": "def charge(card): declines an empty card"}],
}


@pytest.fixture
def world():
    return World()


@pytest.fixture
def http(world):
    with served(Served(world.store, world.services)) as client:
        yield client


@pytest.fixture
def client(http):
    with Client(str(http.base_url)) as opened:
        yield opened


def outcomes(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_record_is_stored_changed_read_and_deleted(client):
    assert client.put_record("code", PAY) == {"key": PAY["key"], "version": 1, "status": "created"}
    assert client.put_record("code", PAY)["status"] == "unchanged"
    changed = client.put_record("code", PAY | {"body": {"line": 13}})
    assert (changed["version"], changed["status"]) == (2, "updated")
    found = client.record("code", PAY["key"])
    assert (found["version"], found["active"], found["body"]) == (2, True, {"line": 13})
    assert [(t["facet"], t["text"]) for t in found["texts"]] == [
        ("code", "def charge(card): declines an empty card")
    ]
    assert client.record("code", PAY["key"], 1)["body"] == {"line": 12}
    assert [r["version"] for r in client.record_versions("code", PAY["key"])["versions"]] == [2, 1]
    assert client.collections() == {"collections": [{"collection": "code", "records": 1}]}
    client.delete_record("code", PAY["key"])
    for ask in (client.record, client.record_versions, client.delete_record):
        with pytest.raises(NotFoundError, match="charge"):
            ask("code", PAY["key"])


@pytest.mark.parametrize(
    "key", ["versions", "a/versions", "a/b", "a b?#%2F", "ü", "..."], ids=ascii
)
def test_any_key_names_its_record(client, key):
    client.put_record("code", {"key": key, "body": {"is": key}})
    client.put_record("code", {"key": key + "2"})
    assert client.record("code", key)["body"] == {"is": key}
    assert len(client.record_versions("code", key)["versions"]) == 1
    client.delete_record("code", key)
    assert [r["key"] for r in client.records("code")["records"]] == [key + "2"]


def test_a_key_may_hold_slashes_as_they_are(http, client):
    client.put_record("code", PAY)
    assert http.get("/v1/records/code/shop/pay.py:charge").json()["version"] == 1
    assert len(http.get("/v1/records/code/shop/pay.py:charge/versions").json()["versions"]) == 1


def test_pages_go_on_where_they_ended(client):
    keys = [f"key {n:03}" for n in range(25)]
    assert {one["status"] for one in client.put_records("code", [{"key": k} for k in keys])} == {
        "created"
    }
    found, cursor = [], None
    while cursor is not None or not found:
        page = client.records("code", limit=10, cursor=cursor)
        found += [record["key"] for record in page["records"]]
        cursor = page["next"]
    assert found == keys


def test_large_records_come_fewer_at_once(client):
    body = {"text": "x" * 900_000}
    assert all(
        one["status"] == "created"
        for one in client.put_records("big", ({"key": f"{n:02}", "body": body} for n in range(40)))
    )
    page = client.records("big", limit=40)
    assert 8 <= len(page["records"]) < 40
    assert page["next"]


def test_a_bad_line_does_not_stop_the_others(http):
    lines = [
        json.dumps(PAY),
        "{not json",
        "",
        '{"key": "odd", "colour": "red"}',
        '{"key": 7}',
        "[]",
        '{"key": "no facet", "texts": [{"facet": "operation", "text": "x"}]}',
        '{"key": "last"}',
    ]
    found = outcomes(http.post("/v1/records/code", content="\n".join(lines), headers=LINES))
    assert [one.get("status") or one["error"]["type"].rpartition(":")[2] for one in found] == [
        "created",
        "malformed",
        *["invalid-input"] * 4,
        "created",
    ]
    assert [one["line"] for one in found] == list(range(1, 8))
    assert "colour" in found[2]["error"]["detail"]
    assert found[5]["key"] == "no facet"


def test_many_lines_are_taken_whatever_the_limit_of_a_body(http):
    body = {"text": "x" * 1000}
    lines = (json.dumps({"key": f"{n}", "body": body}).encode() + b"\n" for n in range(5000))
    found = outcomes(http.post("/v1/records/many", content=lines, headers=LINES, timeout=60))
    assert [one["key"] for one in found] == [str(n) for n in range(5000)]
    assert http.get("/v1/records").json()["collections"] == [
        {"collection": "many", "records": 5000}
    ]


def test_a_line_without_an_end_is_refused_alone(http):
    lines = [b'{"key": "' + b"x" * (MAX_LINE_BYTES + 1), b'{"key": "fine"}']
    found = outcomes(http.post("/v1/records/code", content=b"\n".join(lines), headers=LINES))
    assert found[0]["error"]["type"].endswith(":too-large")
    assert found[1]["status"] == "created"


def test_a_list_gets_a_list_of_answers(http):
    answer = http.post("/v1/records/code", json=[{"key": "a"}, {"key": ""}, {"key": "a"}])
    assert [one.get("status", "error") for one in answer.json()] == [
        "created", "error", "unchanged",
    ]  # fmt: skip
    assert http.post("/v1/records/code", json=[{"key": "a"}] * 1001).status_code == 400


@pytest.mark.parametrize(
    ("collection", "body", "words"),
    [
        ("Code", {"key": "a"}, "no name of a collection"),
        ("code", {"key": "a" * 513}, "512"),
        ("code", {"key": "a", "body": []}, "a record is"),
        ("code", {"key": "a", "texts": [{"facet": "code"}]}, "a facet"),
        ("code", {"key": "ghp_" + "a1B2" * 9}, "secret"),
        ("code", {"key": "a", "texts": [{"facet": "code", "text": LONG}]}, "256"),
        ("code", {"key": ".."}, "URL"),
    ],
    ids=["collection", "key", "body", "text", "secret key", "length", "dots"],
)
def test_what_is_no_record_is_refused_with_a_sentence(client, collection, body, words):
    with pytest.raises(InvalidInputError, match=words):
        client.put_record(collection, body)


def test_what_is_no_object_is_refused(http):
    assert http.post("/v1/records/code", json="text").status_code == 400
    assert http.post("/v1/records/code", content=b"", headers=JSON).status_code == 400


def test_another_format_is_refused(http):
    answer = http.post("/v1/records/code", content=b"a,b", headers={"Content-Type": "text/csv"})
    assert answer.status_code == 415


def test_a_body_over_the_limit_is_refused(http):
    answer = http.post("/v1/records/code", json={"key": "a", "body": {"x": "y" * (1 << 20)}})
    assert answer.status_code == 413


def test_a_body_of_a_mebibyte_is_the_most_a_record_has(client):
    (most,) = client.put_records("code", [{"key": "a", "body": {"x": "y" * ((1 << 20) - 8)}}])
    assert most["status"] == "created"
    (more,) = client.put_records("code", [{"key": "a", "body": {"x": "y" * ((1 << 20) - 7)}}])
    assert more["error"]["type"].endswith(":too-large")


def test_secrets_leave_bodies_and_texts_before_they_are_stored(client, world):
    secret = "ghp_" + "a1B2c3D4" * 4 + "zzzz"
    client.put_record(
        "code",
        {
            "key": "a",
            "body": {"password": "hunter22222", "deep": [{"note": f"use {secret}"}], "n": 1},
            "texts": [{"facet": "input", "text": f"the token is {secret}"}],
        },
    )
    found = json.dumps(client.record("code", "a"))
    assert secret not in found
    assert "hunter22222" not in found
    assert client.record("code", "a")["body"]["n"] == 1
    (text,) = [t["text"] for t in client.record("code", "a")["texts"]]
    assert text.startswith("the token is [redacted:")


def test_long_texts_are_cut_into_passages_in_order(client):
    text = " ".join(f"word{n}" for n in range(500))
    client.put_record("code", {"key": "a", "texts": [{"facet": "output", "text": text}]})
    texts = [t["text"] for t in client.record("code", "a")["texts"]]
    assert len(texts) > 3
    assert " ".join(texts) == text


def test_a_cursor_of_another_collection_is_refused(http, client):
    list(client.put_records("a", [{"key": str(n)} for n in range(3)]))
    cursor = client.records("a", limit=1)["next"]
    answer = http.get("/v1/records/b", params={"cursor": cursor})
    assert answer.status_code == 400
    assert isinstance(http, httpx.Client)


def test_a_version_beyond_all_numbers_is_refused(http):
    http.post("/v1/records/code", json={"key": "a"})
    for version, status in (((1 << 63) - 1, 404), (1 << 63, 422), (10**30, 422)):
        assert http.get(f"/v1/records/code/a?version={version}").status_code == status


def test_lines_that_come_in_small_parts_cost_no_more_than_others():
    async def read():
        async def parts():
            for _ in range(50_000):
                yield b"x" * 64
            yield b"\n"

        return [batch async for batch in values_in(parts(), 10)]

    started = time.process_time()
    ((refused,),) = asyncio.run(read())
    assert isinstance(refused, MalformedError)
    assert time.process_time() - started < 3


def test_answers_to_lines_are_bounded(http):
    lines = (b"x\n" * 10_000 for _ in range(100))
    answer = http.post("/v1/records/code", content=lines, headers=LINES, timeout=120)
    assert answer.status_code == 413, answer.text[:200]
    assert "these lines are done" in answer.text
