"""`x-tenant` and `X-Scope-OrgID` choose the tenant at every door alike, as far as the key allows."""

import time
from dataclasses import dataclass, replace

import grpc
import httpx
import pytest
from google.rpc.status_pb2 import Status
from sending import PROTOBUF, WAIT_S
from serving import Served, eventually
from support.jaeger import storage_at
from test_jaeger_grpc import NOW_NS, data_of, row

from otel_vector.keys.contract import KeyOrder, Role
from otel_vector.settings.config import Settings
from otel_vector.spans.ids import Tenant
from otel_vector.wiring import open_keyring

A, B, NOBODY = "acme", "beta", "none"
HEADERS = ("x-tenant", "X-Scope-OrgID")
NOW_S = time.time_ns() // 10**9
NAMES = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
}


@dataclass(frozen=True)
class Told:
    """What a door answers: a status as of HTTP, the tenants it tells of, and a sentence."""

    status: int
    tenants: frozenset = frozenset()
    sentence: str = ""


def trace_of(tenant, number=1):
    """Return a trace of two services of a tenant, of which one calls the other."""
    start_ns = NOW_NS - number * 10**9  # lists of the newest begin with the first ones
    return data_of(
        row(trace=number, service=f"{tenant}-front", start_ns=start_ns),
        row(trace=number, span=2, parent=1, service=f"{tenant}-shop", start_ns=start_ns),
    )


def tenants_in(text):
    return frozenset(name for name in (A, B, "default") if f"{name}-shop" in str(text))


class Doors:
    """One served folder, and each of its doors as a method of key and headers."""

    def __init__(self, served, keys):
        self.served = served
        self.keys = keys
        self.written = 100

    def _pairs(self, key, headers):
        bearer = [("authorization", f"Bearer {self.keys[key]}")] if key else []
        return [*bearer, *headers]

    def _get(self, path, read, key, headers, **parameters):
        answer = httpx.get(
            f"http://{self.served.endpoints['api']}{path}",
            params=parameters, headers=self._pairs(key, headers), timeout=WAIT_S, trust_env=False,
        )  # fmt: skip
        if answer.status_code == 200:
            return Told(200, tenants_in(answer.text))
        return Told(answer.status_code, sentence=read(answer))

    def _call(self, call, place, key, headers):
        metadata = [(name.lower(), value) for name, value in self._pairs(key, headers)]
        with storage_at(self.served.endpoints[place], metadata) as storage:
            try:
                return Told(200, tenants_in(call(storage)))
            except grpc.RpcError as error:
                return Told(NAMES[error.code()], sentence=error.details())

    def _landed(self, send):
        """Return an answer to a write with the tenants that have what was written."""
        self.written += 1
        told = send(self.written)
        if told.status != 200:
            return told
        trace = f"/v1/traces/{self.written:032x}"

        def holders():
            whole = "all" if self.keys else None
            found = [t for t in self.tenants if self._get(
                trace, str, whole, [("x-tenant", t)]).status == 200]  # fmt: skip
            return frozenset(found)

        eventually(holders, WAIT_S)
        return replace(told, tenants=holders())

    @property
    def tenants(self):
        return (A, B) if self.keys else ("default",)

    def otlp_grpc(self, key, *headers):
        def send(number):
            return self._call(
                lambda storage: storage.write(trace_of("any", number)), "otlp_grpc", key, headers
            )

        return self._landed(send)

    def jaeger_writes(self, key, *headers):
        def send(number):
            return self._call(
                lambda storage: storage.write(trace_of("any", number)), "jaeger_grpc", key, headers
            )

        return self._landed(send)

    def otlp_http(self, key, *headers):
        def send(number):
            answer = httpx.post(
                f"http://{self.served.endpoints['otlp_http']}/v1/traces",
                content=trace_of("any", number).SerializeToString(), timeout=WAIT_S,
                headers=[*PROTOBUF.items(), *self._pairs(key, headers)], trust_env=False,
            )  # fmt: skip
            if answer.status_code == 200:
                return Told(200)
            status = Status.FromString(answer.content)
            codes = {code.value[0]: NAMES[code] for code in NAMES}
            assert codes[status.code] == answer.status_code
            return Told(answer.status_code, sentence=status.message)

        return self._landed(send)

    def jaeger_services(self, key, *headers):
        return self._call(lambda storage: storage.services(), "jaeger_grpc", key, headers)

    def jaeger_find(self, key, *headers):
        return self._call(lambda storage: storage.find(), "jaeger_grpc", key, headers)

    def jaeger_map(self, key, *headers):
        def call(storage):
            return storage.dependencies(NOW_S - 3_600, NOW_S + 60)

        return self._call(call, "jaeger_grpc", key, headers)

    def jaeger_capabilities(self, key, *headers):
        return self._call(lambda storage: storage.capabilities(), "jaeger_grpc", key, headers)

    def jaeger_http(self, key, *headers):
        def read(answer):
            assert answer.json()["data"] is None
            (error,) = answer.json()["errors"]
            assert error["code"] == answer.status_code
            return error["msg"]

        return self._get("/jaeger/api/traces", read, key, headers)

    def jaeger_v3(self, key, *headers):
        def read(answer):
            error = answer.json()["error"]
            assert error["httpCode"] == answer.status_code
            return error["message"]

        return self._get("/jaeger/api/v3/services", read, key, headers)

    def tempo(self, key, *headers):
        def read(answer):
            assert answer.headers["content-type"].startswith("text/plain")
            return answer.text

        return self._get(
            "/tempo/api/search", read, key, headers, q="{.service.name != nil}", spss=9
        )

    def api(self, key, *headers):
        def read(answer):
            assert answer.headers["content-type"] == "application/problem+json"
            return answer.json()["detail"]

        return self._get("/v1/services", read, key, headers)


WRITING = ("otlp_grpc", "otlp_http", "jaeger_writes")
READING = ("jaeger_services", "jaeger_find", "jaeger_map", "jaeger_http", "jaeger_v3", "tempo", "api")  # fmt: skip
TELLING = (*WRITING, *READING)
EVERY = (*TELLING, "jaeger_capabilities")


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    """Serve two tenants; keys for one, for both and for all."""
    served, keys = Served(tmp_path_factory.mktemp("tenants")), {}
    roles = frozenset({Role.READ, Role.INGEST})
    with open_keyring(replace(Settings(), data=served.data)) as ring:
        for name, tenants in {"one": (A,), "two": (A, B), "all": ("*",)}.items():
            keys[name] = ring.create(KeyOrder(name, roles, frozenset(map(Tenant, tenants)))).text
    try:
        served.start("--set", "embed.model=none")
        yield filled(Doors(served, keys))
    finally:
        served.end()


def filled(doors):
    for tenant in doors.tenants:
        metadata = [("x-tenant", tenant)]
        metadata += [("authorization", f"Bearer {doors.keys['all']}")] if doors.keys else []
        with storage_at(doors.served.endpoints["otlp_grpc"], metadata) as storage:
            storage.write(trace_of(tenant))
        key = "all" if doors.keys else None
        eventually(lambda t=tenant, k=key: doors.api(k, ("x-tenant", t)).tenants == {t}, WAIT_S)
    return doors


@pytest.mark.parametrize("header", [*HEADERS, "X-TENANT", "x-scope-orgid"])
@pytest.mark.parametrize("door", TELLING)
def test_a_header_chooses_among_the_tenants_of_a_key(doors, door, header):
    for tenant in (A, B):
        assert getattr(doors, door)("two", (header, tenant)) == Told(200, {tenant})
    assert getattr(doors, door)("all", (header, B)) == Told(200, {B})


@pytest.mark.parametrize("door", TELLING)
def test_a_key_of_one_tenant_needs_no_header(doors, door):
    assert getattr(doors, door)("one") == Told(200, {A})
    assert getattr(doors, door)("one", ("x-tenant", A), ("x-scope-orgid", A)) == Told(200, {A})
    assert getattr(doors, door)("one", ("x-scope-orgid", "")) == Told(200, {A})


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("door", EVERY)
def test_a_tenant_the_key_is_not_for_is_refused_and_nothing_told_of_it(doors, door, header):
    of_other, of_nobody = (getattr(doors, door)("one", (header, t)) for t in (B, NOBODY))
    assert of_other.status == of_nobody.status == 403
    assert "is not for tenant 'beta'" in of_other.sentence
    assert of_other.sentence.replace(B, NOBODY) == of_nobody.sentence
    assert doors.keys["one"].rpartition("_")[2] not in of_other.sentence


@pytest.mark.parametrize("door", EVERY)
def test_what_chooses_no_tenant_is_refused_in_a_sentence(doors, door):
    def sentence(*headers, key="two"):
        told = getattr(doors, door)(key, *headers)
        assert (told.status, told.tenants) == (400, frozenset())
        return told.sentence

    assert "choose one by the header x-tenant" in sentence()
    assert "choose one by the header x-tenant" in sentence(key="all")
    for several in (
        [("x-tenant", A), ("x-scope-orgid", B)],
        [("x-tenant", A), ("x-tenant", B)],
        [("x-scope-orgid", f"{A}|{B}")],
        [("x-scope-orgid", f"{A}, {B}")],
    ):
        assert "several tenants, and each is asked alone" in sentence(*several)
    assert "'Acme' is not a tenant" in sentence(("x-tenant", "Acme"))


@pytest.mark.parametrize("door", EVERY)
def test_a_tenant_is_no_key(doors, door):
    told = getattr(doors, door)(None, ("x-tenant", A))
    assert told.status == 401
    assert "authorization: Bearer" in told.sentence


def test_a_refused_tenant_is_not_made(doors):
    assert not (doors.served.data / "store" / "tenants" / NOBODY).exists()


@pytest.fixture(scope="module")
def open_doors(tmp_path_factory):
    """Serve without keys."""
    served = Served(tmp_path_factory.mktemp("keyless"))
    try:
        served.start("--set", "embed.model=none")
        yield filled(Doors(served, {}))
    finally:
        served.end()


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("door", TELLING)
def test_without_keys_there_is_the_default_tenant_and_no_other_by_whatever_name(
    open_doors, door, header
):
    ask = getattr(open_doors, door)
    assert ask(None) == ask(None, (header, "default")) == Told(200, {"default"})
    refused = ask(None, (header, A))
    assert refused.status == 403
    assert "there is no tenant but 'default'" in refused.sentence


def test_without_keys_nothing_was_stored_under_another_name(open_doors):
    folders = [p.name for p in (open_doors.served.data / "store" / "tenants").iterdir()]
    assert folders == ["default"]
