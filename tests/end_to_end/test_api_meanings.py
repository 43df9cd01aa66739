"""The commonest meanings over a real web server: the shape of the answer, and what counts."""

from __future__ import annotations

import pytest
from support.serving import Served, served
from support.world import DECLINED, at, shop


@pytest.fixture(scope="module")
def api():
    world = shop()
    with served(Served(world.store, world.services)) as client:
        yield client


def test_the_commonest_meanings_are_listed_with_times_as_numbers(api):
    query = {"facet": "error", "sort": "errors", "limit": 1, "examples": 1}
    answer = api.get("/v1/meanings", params=query).json()
    assert set(answer) == {"groups", "found", "compared", "truncated", "took_ms"}
    assert (answer["found"], answer["compared"], answer["truncated"]) == (2, 2, False)
    [group] = answer["groups"]
    assert set(group) == {"score", "why", "meaning", "spans", "examples"}
    assert (group["score"], group["meaning"]["text"]) == (None, DECLINED[1])
    assert set(group["spans"]) == {
        "count", "errors", "p50_ns", "p95_ns", "p99_ns", "first_seen_unix_nano",
        "last_seen_unix_nano", "services", "p50_ms", "p95_ms", "p99_ms", "last_seen_unix_ms",
    }  # fmt: skip
    assert group["spans"]["last_seen_unix_ms"] == at(23) // 10**6
    assert [example["name"] for example in group["examples"]] == ["charge card"]
    narrow = {"service": "payment", "sort": "p95", "since": str(at(22)), "filter": "status:error"}
    [operation] = api.get("/v1/meanings", params=narrow).json()["groups"]
    assert (operation["meaning"]["name"], operation["spans"]["count"]) == ("charge card", 1)
