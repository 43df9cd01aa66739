"""Who may ask and write as Jaeger: keys, tenants, rates, TLS, and the purging of tests."""

import json

import grpc
import httpx
import pytest
from serving import FREE, Served, cli, eventually
from support.certificates import issued
from support.jaeger import storage_at
from test_jaeger_grpc import data_of, row

from otel_vector.testing.builders import trace_bytes

QUICK = ("--set", "embed.model=none")


def made_key(served, name, role, *tenants, rate=""):
    flags = [word for tenant in tenants for word in ("--tenant", tenant)]
    flags += ["--rate", rate] if rate else []
    return cli(served, "keys", "create", name, "--role", role, *flags, "--json").json["key"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A served folder with keys: a writer and a reader of two tenants, a reader of one, of all."""
    made = Served(tmp_path_factory.mktemp("guarded"))
    keys = {
        "write": made_key(made, "write", "ingest", "acme", "globex"),
        "read": made_key(made, "read", "read", "acme", "globex"),
        "acme": made_key(made, "acme", "read", "acme"),
        "all": made_key(made, "all", "read", "*"),
    }
    made.start(*QUICK)
    for tenant in ("acme", "globex"):
        metadata = bearer(keys["write"], tenant)
        with storage_at(made.endpoints["jaeger_grpc"], metadata) as jaeger:
            jaeger.write(data_of(row(trace=1, service=f"{tenant}-shop")))
    for tenant in ("acme", "globex"):
        eventually(lambda tenant=tenant: ask(made, bearer(keys["read"], tenant)), 10)
    yield made, keys
    made.end()


def bearer(key, tenant=""):
    return (("authorization", f"Bearer {key}"), *((("x-tenant", tenant),) if tenant else ()))


def ask(served, metadata):
    """Return the services, or the status of the refusal."""
    with storage_at(served.endpoints["jaeger_grpc"], metadata) as jaeger:
        try:
            return jaeger.services()
        except grpc.RpcError as refused:
            return refused.code()


def test_a_tenant_sees_its_own_and_nothing_else(guarded):
    served, keys = guarded
    for tenant in ("acme", "globex"):
        metadata = bearer(keys["read"], tenant)
        assert ask(served, metadata) == [f"{tenant}-shop"]
        with storage_at(served.endpoints["jaeger_grpc"], metadata) as jaeger:
            ((_, ((_, resource, _),)),) = jaeger.traces(trace_bytes(1))
            assert resource.attributes[0].value.string_value == f"{tenant}-shop"
            assert jaeger.find(service="acme-shop" if tenant == "globex" else "globex-shop") == []


@pytest.mark.parametrize("header", ["x-tenant", "x-scope-orgid"])
def test_either_header_chooses_the_tenant(guarded, header):
    served, keys = guarded
    assert ask(served, (*bearer(keys["read"]), (header, "globex"))) == ["globex-shop"]


def test_a_key_of_one_tenant_needs_no_header(guarded):
    served, keys = guarded
    assert ask(served, bearer(keys["acme"])) == ["acme-shop"]


def test_the_token_that_jaeger_forwards_is_the_key(guarded):
    served, keys = guarded
    assert ask(served, (("bearer.token", keys["acme"]),)) == ["acme-shop"]
    both = (("bearer.token", keys["acme"]), *bearer(keys["acme"]))
    assert ask(served, both) is grpc.StatusCode.UNAUTHENTICATED


def test_who_may_not_is_refused(guarded):
    served, keys = guarded
    refused = grpc.StatusCode
    assert ask(served, ()) is refused.UNAUTHENTICATED
    assert ask(served, bearer("ov_none")) is refused.UNAUTHENTICATED
    assert ask(served, bearer(keys["write"], "acme")) is refused.PERMISSION_DENIED
    assert ask(served, bearer(keys["acme"], "globex")) is refused.PERMISSION_DENIED
    assert ask(served, bearer(keys["read"])) is refused.INVALID_ARGUMENT
    assert ask(served, bearer(keys["all"], "made-up")) is refused.NOT_FOUND
    assert not (served.data / "store" / "tenants" / "made-up").exists()


def test_a_reader_may_not_write(guarded):
    served, keys = guarded
    with (
        storage_at(served.endpoints["jaeger_grpc"], bearer(keys["acme"])) as jaeger,
        pytest.raises(grpc.RpcError) as caught,
    ):
        jaeger.write(data_of(row(trace=9)))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_health_needs_no_key(guarded):
    served, _ = guarded
    with storage_at(served.endpoints["jaeger_grpc"]) as jaeger:
        assert jaeger.health("jaeger.storage.v2.TraceReader") == 1


def test_the_http_api_is_held_to_the_same(guarded):
    served, keys = guarded

    def get(path, **headers):
        return httpx.get(f"http://{served.endpoints['api']}/jaeger/api{path}", headers=headers)

    for path in ("/services", "/v3/services", f"/traces/{trace_bytes(1).hex()}", "/dependencies"):
        assert get(path).status_code == 401
        assert get(path, **{"x-api-key": keys["write"], "x-tenant": "acme"}).status_code == 403
    headers = {"x-api-key": keys["read"], "X-Scope-OrgID": "globex"}
    assert get("/services", **headers).json()["data"] == ["globex-shop"]
    assert get("/services", **headers | {"X-Scope-OrgID": "initech"}).status_code == 403
    assert get("/services", authorization=f"Bearer {keys['acme']}").json()["data"] == ["acme-shop"]


def test_a_rate_of_questions_holds_here_too(tmp_path):
    served = Served(tmp_path)
    key = made_key(served, "slow", "read", "default", rate="questions=1")
    try:
        served.start(*QUICK, "--set", "limits.burst_s=1")
        found = [ask(served, bearer(key)) for _ in range(5)]
        assert found[0] == []
        assert grpc.StatusCode.UNAVAILABLE in found
    finally:
        served.end()


def test_it_speaks_tls_where_that_is_set(tmp_path):
    authority = issued(tmp_path / "tls")
    served = Served(tmp_path)
    flags = (
        "--set",
        f"tls.cert={authority.config.cert}",
        "--set",
        f"tls.key={authority.config.key}",
    )
    try:
        served.start(*QUICK, *flags)
        credentials = grpc.ssl_channel_credentials(authority.ca.read_bytes())
        place = f"localhost:{served.endpoints['jaeger_grpc'].rpartition(':')[2]}"
        with storage_at(place, credentials=credentials) as jaeger:
            jaeger.write(data_of(row(trace=1)))
            eventually(lambda: jaeger.traces(trace_bytes(1)), 10)
        assert ask(served, ()) is grpc.StatusCode.UNAVAILABLE
    finally:
        served.end()


def purge(served, **headers):
    return httpx.post(f"http://{served.endpoints['api']}/jaeger/purge", headers=headers)


def test_nobody_purges_unless_that_is_set(guarded):
    served, _ = guarded
    assert purge(served, **{"x-api-key": "any"}).status_code in {401, 404}


def test_purging_empties_a_tenant_and_lets_the_same_come_again(tmp_path):
    served = Served(tmp_path)
    try:
        served.start(*QUICK, "--set", "serve.allow_purge=true")
        assert "deletes everything a tenant has" in served.log()
        with storage_at(served.endpoints["jaeger_grpc"]) as jaeger:
            for _ in range(2):
                jaeger.write(data_of(row(trace=1), row(trace=1, span=2, parent=1)))
                eventually(lambda: jaeger.traces(trace_bytes(1)), 10)
                assert jaeger.services() == ["shop"]
                answer = purge(served)
                assert (answer.status_code, answer.json()) == (200, {"dropped": 2})
                assert answer.headers["connection"] == "close"
                assert jaeger.traces(trace_bytes(1)) == []
                assert jaeger.services() == []
                assert jaeger.find() == []
        lines = (served.data / "audit.jsonl").read_text().splitlines()
        acts = [json.loads(line)["what"] for line in lines]
        assert "store.purge" in acts
    finally:
        served.end()


def test_purging_takes_an_administrator_where_there_are_keys(tmp_path):
    served = Served(tmp_path)
    admin = made_key(served, "admin", "admin", "default")
    reader = made_key(served, "reader", "read", "default")
    try:
        served.start(*QUICK, "--set", "serve.allow_purge=true")
        assert purge(served, **{"x-api-key": reader}).status_code == 403
        assert purge(served, **{"x-api-key": admin}).status_code == 200
    finally:
        served.end()


def test_purging_is_not_for_addresses_that_others_reach(tmp_path):
    served = Served(tmp_path)
    made_key(served, "any", "read", "default")
    flags = ("--api", "0.0.0.0:0", "--set", "serve.allow_purge=true")
    refused = cli(served, "serve", *served.addresses, *flags, check=False)
    assert refused.code == 1
    assert "serve.allow_purge is for tests on loopback" in refused.err
    assert FREE in served.addresses
