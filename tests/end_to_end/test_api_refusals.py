"""What the API refuses, and how it says so."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from support.serving import SETTINGS, Served, served
from support.world import REDACTOR, World, shop

from otel_vector import errors
from otel_vector.services.container import Beside, build_services
from otel_vector.settings.config import SearchConfig, ServeConfig
from otel_vector.testing.builders import trace_bytes
from otel_vector_collector.api.formats import chosen
from otel_vector_collector.api.guards import MAX_BODY_BYTES
from otel_vector_collector.api.openapi import schema
from otel_vector_collector.api.problems import STATUS, status_of
from otel_vector_collector.api.streams import Streams
from otel_vector_collector.api.threads import FOLLOWERS
from otel_vector_collector.receive.addresses import is_loopback

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def api():
    world = shop()
    with served(Served(world.store, world.services)) as client:
        yield client


def problem(answer, status, slug):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert set(document) == {"type", "title", "status", "detail"}
    assert (document["type"], document["status"]) == (f"urn:otel-vector:problem:{slug}", status)
    return document["detail"]


def tree(kind):
    yield kind
    for child in kind.__subclasses__():
        yield from tree(child)


def test_every_error_of_the_tree_has_a_status():
    ours = [kind for kind in tree(errors.OtelVectorError) if kind.__module__ == errors.__name__]
    assert len(ours) >= 18
    assert set(ours) == set(STATUS)
    for kind in ours:
        assert status_of(kind("x")) == STATUS[kind]
        retryable = issubclass(kind, errors.RetryableError)
        assert not retryable or STATUS[kind] in {429, 503, 507}
        assert not issubclass(kind, errors.InvalidInputError) or STATUS[kind] in {
            *range(400, 500),
            501,
        }


@pytest.mark.parametrize(
    ("path", "body", "status", "slug", "words"),
    [
        ("/v1/search", {"limit": 10_000}, 400, "invalid-query", "limit is 1 to 1000"),
        ("/v1/search", {"text": "(service:a"}, 400, "invalid-query", ""),
        ("/v1/search", {"filter": "duration>soon"}, 400, "invalid-query", "soon"),
        ("/v1/search", {"filter": {"nonsense": 1}}, 400, "invalid-query", ""),
        ("/v1/search", {"since": "soon"}, 400, "invalid-query", "not a time"),
        ("/v1/search", {"cursor": "AAAA"}, 400, "invalid-query", "cursor"),
        ("/v1/search", {"runs": ["nightly"]}, 400, "invalid-query", "nightly"),
        ("/v1/search", {"over": []}, 400, "invalid-query", "over"),
        ("/v1/search", {"examples": 99}, 400, "invalid-query", "examples"),
        ("/v1/search", {"limit": 0}, 422, "invalid-input", "limit"),
        ("/v1/search", {"limit": "many"}, 422, "invalid-input", "limit"),
        ("/v1/search", {"facets": ["smell"]}, 422, "invalid-input", "facets"),
        ("/v1/search", {"over": ["metrics"]}, 422, "invalid-input", "over"),
        ("/v1/search", {"txt": "typo"}, 422, "invalid-input", "txt"),
        ("/v1/search", [], 422, "invalid-input", ""),
        ("/v1/search", {"text": "x" * 70_000}, 422, "invalid-input", "text"),
        ("/v1/similar", {}, 400, "invalid-query", "exactly one"),
        ("/v1/similar", {"span": "x"}, 422, "invalid-input", "span"),
        ("/v1/similar", {"meaning": "f" * 16}, 422, "invalid-input", "meaning"),
        ("/v1/similar", {"span": "0" * 32}, 404, "not-found", "0000"),
        ("/v1/similar", {"meaning": "0" * 16}, 404, "not-found", "0000"),
        ("/v1/export", {"since": "soon"}, 400, "invalid-query", "not a time"),
        ("/v1/export", {"signal": "metrics"}, 422, "invalid-input", "signal"),
    ],
)
def test_a_question_that_cannot_be_taken_is_refused_in_words(api, path, body, status, slug, words):
    assert words in problem(api.post(path, json=body), status, slug)


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("/v1/traces/abc", 400, "invalid-query"),
        (f"/v1/traces/{'0' * 31}1", 200, None),
        (f"/v1/traces/{'f' * 32}", 404, "not-found"),
        ("/v1/spans/zzz", 400, "invalid-query"),
        (f"/v1/spans/{'f' * 32}", 404, "not-found"),
        (f"/v1/traces/{trace_bytes(3).hex()}/spans/1", 400, "invalid-query"),
        (f"/v1/traces/{trace_bytes(3).hex()}/spans/{'f' * 16}", 404, "not-found"),
        ("/v1/meanings?facet=log", 400, "invalid-query"),
        ("/v1/meanings?limit=100000", 400, "invalid-query"),
        ("/v1/meanings?facet=size", 422, "invalid-input"),
        ("/v1/meanings?sort=size", 422, "invalid-input"),
        ("/v1/meanings/xyz", 400, "invalid-query"),
        ("/v1/meanings/0000000000000000", 404, "not-found"),
        ("/v1/meanings/0000000000000000/spans", 404, "not-found"),
        ("/v1/services?since=soon", 400, "invalid-query"),
        ("/v1/services?filter=two+words", 400, "invalid-query"),
        ("/v1/services?runs=nightly", 400, "invalid-query"),
        ("/v1/attributes?signal=metrics", 422, "invalid-input"),
        ("/v1/attributes/x/values?limit=0", 422, "invalid-input"),
        ("/v1/events?filter=(", 400, "invalid-query"),
        ("/v1/events?since=soon", 400, "invalid-query"),
        ("/v1/nowhere", 404, "not-found"),
        ("/v1/search", 405, "method-not-allowed"),
    ],
)
def test_a_path_that_leads_nowhere_says_why(api, path, status, slug):
    answer = api.get(path)
    if slug:
        assert problem(answer, status, slug)
    else:
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (b'{"text": ', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"text": "\\ud800"}', "application/json", 422),
        (b'{"text": "x"}', "text/plain", 422),
        (b'{"text": "x"}', None, 422),
        (b"", "application/json", 422),
        (b"[" * 100_000, "application/json", 400),
    ],
)
def test_a_body_that_is_no_json_question_is_refused(api, content, media, status):
    headers = {"Content-Type": media} if media else {}
    answer = api.post("/v1/search", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_over_the_limit_is_refused_whether_announced_or_not(api):
    big = b'{"text": "' + b"x" * MAX_BODY_BYTES + b'"}'
    json = {"Content-Type": "application/json"}
    assert "bytes" in problem(api.post("/v1/search", content=big, headers=json), 413, "too-large")
    chunks = (big[n : n + 65_536] for n in range(0, len(big), 65_536))
    problem(api.post("/v1/search", content=chunks, headers=json), 413, "too-large")


@pytest.mark.parametrize("path", [f"/v1/traces/{trace_bytes(3).hex()}", f"/v1/spans/{'0' * 32}"])
def test_a_format_that_is_not_spoken_is_refused(api, path):
    answer = api.get(path, headers={"Accept": "text/html, application/x-protobuf;q=0"})
    assert "application/x-protobuf" in problem(answer, 406, "not-acceptable")
    answer = api.post("/v1/export", json={}, headers={"Accept": "application/json"})
    problem(answer, 406, "not-acceptable")


def test_the_format_liked_best_is_chosen():
    offers = ("application/json", "application/x-protobuf")
    for accept, expected in [
        ("", 0),
        ("*/*", 0),
        ("application/*", 0),
        ("application/x-protobuf", 1),
        ("APPLICATION/X-PROTOBUF", 1),
        ("application/json;q=0.5, application/x-protobuf", 1),
        ("application/json;q=0, */*", 1),
        ("application/x-protobuf;q=bad, application/json;q=0.1", 0),
    ]:
        assert chosen(accept, offers) == offers[expected], accept


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8317", "127.0.0.1.evil.example", ""]
)
def test_a_request_meant_for_another_host_is_refused_on_loopback(api, host):
    answer = api.get("/v1/stats", headers={"Host": host})
    problem(answer, 421, "misdirected-request")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST:1", True),
        ("localhost.", True),
        ("127.0.0.1:8317", True),
        ("127.3.2.1", True),
        ("[::1]:80", True),
        ("::1", True),
        ("127.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("[::2]", False),
        ("[::1].evil.example", False),
        ("[::1]evil", False),
        ("127.0.0.1:80@evil.example", False),
        ("localhost:80:evil.example", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_loopback_is_told_from_other_hosts(host, loopback):
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1.evil.example", "null"]
)
def test_a_page_of_another_site_is_not_answered(api, origin):
    problem(api.get("/v1/stats", headers={"Origin": origin}), 403, "foreign-origin")
    answer = api.post("/v1/export", content=b"{}", headers={"Origin": origin})
    problem(answer, 403, "foreign-origin")


def test_a_page_of_this_machine_is_answered(api):
    answer = api.get("/v1/stats", headers={"Origin": "http://localhost:3000"})
    assert answer.status_code == 200


def test_a_name_of_this_machine_is_guarded_like_localhost():
    world = World()
    settings = replace(SETTINGS, serve=ServeConfig(api="workstation:8317"))
    with served(Served(world.store, world.services, settings)) as api:
        for host in ("workstation:8317", "WORKSTATION", "127.0.0.1:8317"):
            assert api.get("/health", headers={"Host": host}).status_code == 200
        answer = api.get("/health", headers={"Host": "traces.example"})
        problem(answer, 421, "misdirected-request")


def test_any_host_is_answered_when_not_bound_to_loopback():
    world = World()
    settings = replace(SETTINGS, serve=ServeConfig(api="0.0.0.0:8317"))
    with served(Served(world.store, world.services, settings)) as api:
        assert api.get("/health", headers={"Host": "traces.example"}).status_code == 200


def test_other_origins_are_given_no_leave_to_read(api):
    answer = api.options(
        "/v1/search",
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
    )
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


class Unavailable:
    """An embedder whose endpoint does not answer."""

    model = "remote"
    dimension = 64

    def embed(self, texts, role):
        raise errors.EmbedderUnavailableError("the endpoint does not answer: start it", 1.6)


class Broken:
    """An embedder with a fault."""

    model = "broken"
    dimension = 64

    def embed(self, texts, role):
        raise RuntimeError("secret inside")


def served_with(embedder):
    world = World()
    services = build_services(
        world.store, embedder, world.events, SearchConfig(), Beside(REDACTOR.text)
    )
    return served(Served(world.store, services))


def test_what_may_succeed_later_says_when():
    with served_with(Unavailable()) as api:
        answer = api.post("/v1/search", json={"text": "card"})
        assert "start it" in problem(answer, 503, "embedder-unavailable")
        assert answer.headers["retry-after"] == "2"
        assert api.post("/v1/search", json={"filter": "service:x"}).status_code == 200


def test_a_fault_of_ours_is_logged_and_keeps_its_inside(caplog):
    with served_with(Broken()) as api, caplog.at_level(logging.ERROR):
        answer = api.post("/v1/search", json={"text": "card"})
        assert "secret" not in problem(answer, 500, "otel-vector")
        assert api.get("/health").status_code == 200
    assert "POST /v1/search failed" in caplog.text


def test_the_committed_schema_is_the_one_in_force(api):
    """Regenerate with `python -m otel_vector_collector.api.openapi > docs/openapi.json`."""
    assert (DOCS / "openapi.json").read_bytes() == schema()
    assert api.get("/openapi.json").json()["paths"].keys() >= {
        "/v1/search", "/v1/similar", "/v1/traces/{trace_id}", "/v1/events", "/metrics",
    }  # fmt: skip


def test_the_schema_is_shown_without_any_other_host(api):
    page = api.get("/docs")
    assert page.status_code == 200
    assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//", page.text)
    for path in re.findall(r"(?:src|href)=[\"'](/[^\"']+)", page.text):
        assert api.get(path).status_code == 200


def test_every_route_and_error_is_in_the_documentation():
    text = (DOCS / "api.md").read_text()
    import orjson

    for path in orjson.loads(schema())["paths"]:
        assert f"{path}`" in text or f"{path} " in text, path
    for kind in STATUS:
        slug = re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__.removesuffix("Error")).lower()
        if kind not in {errors.PermanentError, errors.InvalidInputError, errors.OtelVectorError}:
            assert f"`{slug}`" in text, slug


def test_no_more_follow_than_there_are_threads_for_them():
    async def fill():
        streams = Streams()
        for _ in range(FOLLOWERS):
            assert not streams.full
            streams.limiter.acquire_on_behalf_of_nowait(object())
        return streams.full

    assert anyio.run(fill)
