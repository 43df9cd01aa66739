"""The API asks for keys: each route for its role, in the tenants of the key, to the very end."""

import threading
from dataclasses import replace

import httpx
import pytest
from fastapi.routing import APIRoute
from support.serving import Served, served
from support.world import World

from otel_vector.client import Access, Client
from otel_vector.errors import AccessError, ConfigError, UnauthenticatedError
from otel_vector.keys.contract import Role
from otel_vector.keys.ring import StateKeyring
from otel_vector.state.sqlite import SqliteState
from otel_vector.telemetry import PartHealth
from otel_vector.testing.keys import order
from otel_vector_collector.api import access
from otel_vector_collector.api.app import _ROUTERS, routed
from otel_vector_collector.receive.gate import Gate

ROLES = (access.caller, access.contributor, access.administrator)
SEARCH = {"limit": 1}


@pytest.fixture
def keys(tmp_path):
    state = SqliteState(tmp_path / "state.db")
    yield StateKeyring(state)
    state.close()


@pytest.fixture
def engine():
    world = World()
    return Served(world.store, world.services)


@pytest.fixture
def api(engine, keys):
    with served(engine, Gate(keys)) as client:
        yield client


def made(keys, *roles, **what):
    return keys.create(order("test", *roles, **what)).text


def bearer(text):
    return {"authorization": f"Bearer {text}"}


def test_until_there_is_a_key_this_machine_needs_none(api):
    assert api.post("/v1/search", json=SEARCH).status_code == 200
    assert api.get("/metrics").status_code == 200


def routes():
    """Return every route below /v1, with what it asks for."""
    every = [route for router in _ROUTERS for route in router.routes]
    found = [r for r in every if isinstance(r, APIRoute) and r.path.startswith("/v1/")]
    assert len(found) > 10
    return [(r, [d.call for d in r.dependant.dependencies if d.call in ROLES]) for r in found]


def test_every_route_below_v1_takes_its_tenant_from_one_role():
    for route, asked in routes():
        assert len(asked) == 1, route.path


def test_routes_that_delete_are_for_administrators():
    for route, asked in routes():
        if route.methods & {"DELETE", "PUT", "PATCH"}:
            assert asked == [access.administrator], route.path


def test_the_schema_declares_how_keys_are_sent():
    schema = routed().openapi()
    assert set(schema["components"]["securitySchemes"]) == {"bearer", "key"}
    for path, methods in schema["paths"].items():
        for method in methods.values():
            assert ({"bearer": []} in method.get("security", [])) == (
                path not in {"/health", "/ready"}
            )


@pytest.mark.parametrize("path", ["/v1/stats", "/v1/services", "/v1/nothing", "/nothing"])
def test_without_a_key_nothing_is_answered_not_even_whether_it_exists(api, keys, path):
    made(keys, Role.READ)
    refused = api.get(path)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:otel-vector:problem:unauthenticated"
    assert "authorization: Bearer" in refused.json()["detail"]


@pytest.mark.parametrize("role", [Role.READ, Role.ADMIN])
def test_a_key_that_reads_is_answered(api, keys, role):
    text = made(keys, role)
    for headers in (bearer(text), {"x-api-key": text}, {"api-key": text}):
        assert api.post("/v1/search", json=SEARCH, headers=headers).status_code == 200


def test_a_key_that_only_sends_may_not_read(api, keys):
    refused = api.post("/v1/search", json=SEARCH, headers=bearer(made(keys, Role.INGEST)))
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:otel-vector:problem:access"
    assert "role read" in refused.json()["detail"]


def test_several_keys_are_refused(api, keys):
    text = made(keys, Role.READ)
    both = bearer(text) | {"x-api-key": text}
    assert api.get("/v1/stats", headers=both).status_code == 401
    twice = [("authorization", f"Bearer {text}"), ("authorization", f"Bearer {text}")]
    assert api.get("/v1/stats", headers=twice).status_code == 401


def test_a_tenant_is_chosen_among_the_keys(api, keys):
    text = made(keys, Role.READ, tenants=("a", "b"))

    def status(**headers):
        return api.get("/v1/stats", headers=bearer(text) | headers).status_code

    assert status() == 400
    assert status(**{"x-tenant": "a"}) == status(**{"X-Scope-OrgID": "b"}) == 200
    assert status(**{"x-tenant": "c"}) == 403
    assert status(**{"x-tenant": "../a"}) == 400
    assert (
        api.get(
            "/v1/stats", headers=[*bearer(text).items(), ("x-tenant", "a"), ("x-tenant", "c")]
        ).status_code
        == 400
    )


def test_health_is_open_and_readiness_tells_strangers_only_whether(api, keys, engine):
    made(keys, Role.READ)
    assert api.get("/health").status_code == 200
    assert api.get("/docs").status_code == api.get("/openapi.json").status_code == 200
    assert api.get("/ready").json() == {"ready": True, "parts": []}
    assert api.get("/ready", headers={"x-api-key": "ov_wrong"}).status_code == 401


def test_metrics_of_all_tenants_take_a_key_for_all_of_them(api, keys):
    one, every = made(keys, Role.READ), made(keys, Role.READ, tenants=("*",))
    assert api.get("/metrics").status_code == 401
    assert api.get("/metrics", headers=bearer(one)).status_code == 403
    assert api.get("/metrics", headers=bearer(every)).status_code == 200


def test_this_machine_may_read_metrics_without_a_key_by_setting(keys, engine):
    made(keys, Role.READ)
    serve = replace(engine.settings.serve, metrics_without_key=True)
    engine.settings = replace(engine.settings, serve=serve)
    engine.parts = [PartHealth("disk", ok=True, detail="well")]
    with served(engine, Gate(keys)) as client:
        assert client.get("/metrics").status_code == 200
        assert [part["name"] for part in client.get("/ready").json()["parts"]] == ["disk"]
        assert client.get("/v1/stats").status_code == 401


def test_a_key_in_a_url_is_refused_and_not_repeated(api, keys):
    text = made(keys, Role.READ)
    for query in (f"api_key={text}", f"access_token={text}", f"service={text}"):
        refused = api.get(f"/v1/operations?{query}", headers=bearer(text))
        assert refused.status_code == 400
        assert text not in refused.text


def test_a_disabled_key_is_refused_at_once_by_its_own_process(api, keys):
    issued = keys.create(order("test", Role.READ))
    assert api.get("/v1/stats", headers=bearer(issued.text)).status_code == 200
    keys.disable(issued.key.id)
    assert api.get("/v1/stats", headers=bearer(issued.text)).status_code == 401


def test_a_stream_ends_when_its_key_does(api, keys):
    issued = keys.create(order("test", Role.READ))
    begun, ended = threading.Event(), threading.Event()

    def follow():
        with httpx.stream(
            "GET", f"{api.base_url}/v1/events", headers=bearer(issued.text), timeout=60
        ) as answer:
            for _ in answer.iter_bytes():
                begun.set()
        ended.set()

    thread = threading.Thread(target=follow)
    thread.start()
    assert begun.wait(60)
    keys.disable(issued.key.id)
    assert ended.wait(60)
    thread.join(60)


def test_a_client_sends_its_key_and_its_tenant(api, keys):
    url = str(api.base_url)
    text = made(keys, Role.READ, tenants=("a", "b"))
    with Client(url, access=Access(api_key=text, tenant="a")) as client:
        assert client.stats()["spans"] == 0
    with Client(url) as client, pytest.raises(UnauthenticatedError, match="is needed here"):
        client.stats()
    with (
        Client(url, access=Access(api_key=text, tenant="c")) as client,
        pytest.raises(AccessError, match="not for tenant 'c'"),
    ):
        client.stats()
    for wrong in ("ov_\xe9", "ov_a\r\nhost: evil"):
        with pytest.raises(ConfigError) as caught:
            Client(url, access=Access(api_key=wrong))
        assert wrong not in str(caught.value)
    assert text not in repr(Access(api_key=text))


def test_a_key_is_asked_for_even_under_another_name(api, keys):
    made(keys, Role.READ)
    assert api.get("/v1/stats", headers={"host": "evil.example"}).status_code == 421
    assert api.get("/v1/stats", headers={"origin": "https://evil.example"}).status_code == 403


def test_keys_that_cannot_be_read_let_nobody_in_and_say_to_come_back(engine, tmp_path):
    state = SqliteState(tmp_path / "broken.db")
    state.set("keys", "key/0123456789ab", "nonsense")
    with served(engine, Gate(StateKeyring(state))) as client:
        refused = client.get("/v1/stats")
        assert refused.status_code == 503
        assert "retry-after" in refused.headers
    state.close()


def test_a_key_for_all_tenants_makes_none_by_reading(api, keys, engine):
    text = made(keys, Role.ADMIN, tenants=("*",))
    for name in ("ghost", "phantom"):
        refused = api.get("/v1/stats", headers=bearer(text) | {"x-tenant": name})
        assert refused.status_code == 404
        assert name in refused.json()["detail"]
    assert api.get("/v1/stats", headers=bearer(text) | {"x-tenant": "default"}).status_code == 200
    assert engine.store.tenants() == []
