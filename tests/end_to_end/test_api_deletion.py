"""`DELETE /v1/spans` over a real web server."""

import pytest
from support.serving import Served, served
from support.world import World

from otel_vector.testing.builders import T0_NS, LogRow, SpanRow, item_of, trace_bytes

SPANS = [
    SpanRow(trace=n % 3 + 1, span=n, start_ns=T0_NS + n, attributes={"user": f"u{n % 2}"})
    for n in range(1, 13)
]
LOGS = [LogRow(trace=1, body="line", start_ns=T0_NS)]
TRACE = trace_bytes(1).hex()


@pytest.fixture
def api():
    world = World()
    world.write(SPANS)
    world.write(LOGS)
    with served(Served(world.store, world.services)) as client:
        yield client


def deleted(api, **request):
    answer = api.request("DELETE", "/v1/spans", **request)
    assert answer.status_code == 200, answer.text
    return answer.json()


def spans(api):
    stats = api.get("/v1/stats").json()
    return stats["spans"], stats["logs"], stats["tombstones"]


def test_a_trace_is_deleted_by_body_or_by_parameter(api):
    expected = {"spans": 4, "logs": 1, "traces": 1, "services": ["shop"]}
    counted = deleted(api, json={"trace_ids": [TRACE], "dry_run": True})
    assert counted == {**expected, "dry_run": True}
    assert spans(api) == (12, 1, 0)
    assert deleted(api, params={"trace_id": TRACE}) == {**expected, "dry_run": False}
    assert spans(api) == (8, 0, 5)
    assert api.get(f"/v1/traces/{TRACE}").status_code == 404


def test_a_filter_is_a_choice(api):
    assert deleted(api, json={"filter": "user:u1"})["spans"] == 6
    assert deleted(api, params={"filter": "user:u1"})["spans"] == 0


def test_ids_are_a_choice(api):
    assert deleted(api, params={"id": [item_of(SPANS[0]).id, item_of(SPANS[1]).id]})["spans"] == 2


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({}, 400),
        ({"json": {}}, 400),
        ({"json": {"filter": "-service:nobody"}}, 400),
        ({"json": {"trace_ids": ["zz"]}}, 400),
        ({"json": {"trace_ids": [TRACE], "ids": ["0" * 32]}}, 400),
        ({"json": {"trace_ids": [TRACE]}, "params": {"dry_run": "true"}}, 400),
        ({"json": {"traces": [TRACE]}}, 422),
        ({"params": {"trace": TRACE}}, 422),
    ],
    ids=["nothing", "empty", "all", "no-id", "two", "both-ways", "typo", "typo-param"],
)
def test_what_is_no_choice_is_a_problem(api, request_, status):
    answer = api.request("DELETE", "/v1/spans", **request_)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert spans(api) == (12, 1, 0)


def test_everything_goes_if_it_is_said(api):
    assert deleted(api, json={"all": True})["spans"] == 12
    assert spans(api) == (0, 0, 13)
