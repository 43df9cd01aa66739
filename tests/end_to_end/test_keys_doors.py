"""The doors ask for keys: by both protocols, for their roles and tenants, and never for two."""

import http.client
import socket

import grpc
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from serving import eventually
from support.doors import TRACE_SERVICE, WAIT_S, open_doors

from otel_vector.keys.contract import Role
from otel_vector.keys.ring import StateKeyring
from otel_vector.state.sqlite import SqliteState
from otel_vector.testing.keys import order

PROTOBUF = {"content-type": "application/x-protobuf"}


def body(name="span"):
    built = ExportTraceServiceRequest()
    scope = built.resource_spans.add().scope_spans.add()
    scope.spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name=name)
    return built.SerializeToString()


def spans(name):
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with provider.get_tracer("test").start_as_current_span(name):
        pass
    return memory.get_finished_spans()


@pytest.fixture
def keys(tmp_path):
    """Yield the keyring of another process than the doors'."""
    state = SqliteState(tmp_path / "state.db")
    yield StateKeyring(state)
    state.close()


@pytest.fixture
def doors(tmp_path):
    state = SqliteState(tmp_path / "state.db")
    try:
        with open_doors(tmp_path, keys=StateKeyring(state)) as opened:
            yield opened
    finally:
        state.close()


@pytest.fixture
def key(keys, doors):
    """Return the text of a key that stores for tenant `acme`; the doors know it."""
    issued = keys.create(order("shop", tenants=("acme",)))
    eventually(lambda: by_http(doors, {})[0] == 401, 30)
    return issued.text


def by_http(doors, headers):
    """Send a request; return the status and the code of the answer's google.rpc.Status."""
    reply = doors.post("/v1/traces", body(), PROTOBUF | headers)
    code = Status.FromString(reply.body).code if reply.status >= 400 else 0
    return reply.status, grpc_names()[code]


def by_grpc(doors, metadata):
    try:
        doors.call(body(), metadata=tuple(metadata))
    except grpc.RpcError as error:
        return error.code().name, error.details()
    return "OK", ""


def grpc_names():
    return {code.value[0]: code.name for code in grpc.StatusCode}


def tenants(doors):
    return [d.envelope.tenant for d in doors.inbox.take(100, 1 << 30, 0)]


def test_until_there_is_a_key_this_machine_needs_none(doors):
    assert by_http(doors, {"x-tenant": "default"}) == (200, "OK")
    assert by_grpc(doors, [("x-api-key", "anything")])[0] == "OK"
    assert by_http(doors, {"x-tenant": "acme"}) == (403, "PERMISSION_DENIED")
    assert by_grpc(doors, [("x-scope-orgid", "acme")])[0] == "PERMISSION_DENIED"
    assert set(tenants(doors)) == {"default"}


CARRIED = {
    "bearer": lambda key: ("authorization", f"Bearer {key}"),
    "lower case": lambda key: ("authorization", f"bearer {key}"),
    "x-api-key": lambda key: ("x-api-key", key),
    "api-key": lambda key: ("api-key", key),
}


@pytest.mark.parametrize("how", CARRIED)
def test_a_key_lets_requests_in_for_its_tenant(doors, key, how):
    doors.inbox.take(100, 1 << 30, 0)
    pair = CARRIED[how](key)
    assert by_http(doors, dict([pair])) == (200, "OK")
    assert by_grpc(doors, [pair])[0] == "OK"
    assert tenants(doors) == ["acme", "acme"]


REFUSED = {
    "none": [],
    "empty": [("x-api-key", "")],
    "unknown": [("x-api-key", f"ov_{'0' * 12}_{'a' * 43}")],
    "another scheme": [("authorization", "Basic c2hvcDpzaG9w")],
    "no scheme": [("authorization", "KEY")],
    "long": [("x-api-key", "a" * 6000)],
    "a tenant instead": [("x-tenant", "acme")],
}


@pytest.mark.parametrize("what", REFUSED)
def test_without_a_key_that_is_known_nothing_is_taken(doors, key, what):
    doors.inbox.take(100, 1 << 30, 0)
    headers = [(name, value.replace("KEY", key)) for name, value in REFUSED[what]]
    assert by_http(doors, dict(headers)) == (401, "UNAUTHENTICATED")
    code, told = by_grpc(doors, headers)
    assert code == "UNAUTHENTICATED"
    assert key not in told
    assert tenants(doors) == []


def test_a_refusal_says_how_a_key_is_sent(doors, key):
    reply = doors.post("/v1/traces", body(), PROTOBUF)
    assert reply.headers["www-authenticate"] == "Bearer"
    assert "authorization: Bearer" in Status.FromString(reply.body).message
    assert "authorization: Bearer" in by_grpc(doors, [])[1]


def test_two_keys_are_refused_even_if_both_are_good(doors, key):
    twice = [("authorization", f"Bearer {key}"), ("x-api-key", key)]
    assert by_http(doors, dict(twice))[0] == 401
    assert by_grpc(doors, twice)[0] == "UNAUTHENTICATED"
    same = [("authorization", f"Bearer {key}")] * 2
    assert by_grpc(doors, same)[0] == "UNAUTHENTICATED"
    assert smuggled(doors, key) == 401


def smuggled(doors, key):
    """Send one header twice, as no well-meaning client does."""
    connection = http.client.HTTPConnection(doors.endpoints.otlp_http, timeout=WAIT_S)
    connection.putrequest("POST", "/v1/traces")
    for value in (f"Bearer {key}", "Bearer ov_other"):
        connection.putheader("Authorization", value)
    connection.putheader("Content-Type", "application/x-protobuf")
    connection.putheader("Content-Length", "0")
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_bytes_that_are_no_text_are_no_key(doors, key):
    assert by_http(doors, {"x-api-key": "ov_\xe9\xff"}) == (401, "UNAUTHENTICATED")


def test_a_key_without_the_role_may_not_send(doors, keys, key):
    reader = keys.create(order("reader", Role.READ)).text
    eventually(lambda: by_http(doors, {"x-api-key": reader})[0] == 403, 30)
    code, told = by_grpc(doors, [("x-api-key", reader)])
    assert code == "PERMISSION_DENIED"
    assert "role ingest" in told


def test_an_administrator_may_send(doors, keys, key):
    admin = keys.create(order("admin", Role.ADMIN)).text
    eventually(lambda: by_http(doors, {"x-api-key": admin})[0] == 200, 30)


def test_a_tenant_is_chosen_among_the_keys(doors, keys, key):
    doors.inbox.take(100, 1 << 30, 0)
    both = keys.create(order("both", tenants=("a", "b"))).text
    eventually(lambda: by_http(doors, {"x-api-key": both})[0] == 400, WAIT_S)
    assert by_http(doors, {"x-api-key": both, "x-tenant": "b"})[0] == 200
    assert by_grpc(doors, [("x-api-key", both), ("x-scope-orgid", "a")])[0] == "OK"
    assert by_http(doors, {"x-api-key": both, "x-tenant": "c"}) == (403, "PERMISSION_DENIED")
    assert by_grpc(doors, [("x-api-key", both), ("x-tenant", "acme")])[0] == "PERMISSION_DENIED"
    assert tenants(doors) == ["b", "a"]


def test_a_disabled_key_is_refused_within_seconds_on_an_open_connection(doors, keys, key):
    with grpc.insecure_channel(doors.endpoints.otlp_grpc) as channel:
        send = channel.unary_unary(TRACE_SERVICE)

        def is_refused():
            try:
                send(body(), timeout=WAIT_S, metadata=(("x-api-key", key),))
            except grpc.RpcError as error:
                return error.code() is grpc.StatusCode.UNAUTHENTICATED
            return False

        assert not is_refused()
        keys.disable(key.split("_")[1])
        eventually(is_refused, WAIT_S)


def test_a_key_in_a_url_is_refused_and_not_repeated(doors, key):
    for query in (f"api_key={key}", f"x=1&X-Api-Key={key}", f"whatever={key[:20]}"):
        reply = doors.post(f"/v1/traces?{query}", body(), PROTOBUF | {"x-api-key": key})
        assert reply.status == 400
        assert b"ends up in logs" in reply.body
        assert key.encode() not in reply.body


def test_the_stock_exporters_send_with_headers(doors, key):
    doors.inbox.take(100, 1 << 30, 0)
    over_grpc = GrpcExporter(
        f"http://{doors.endpoints.otlp_grpc}", insecure=True, headers={"x-api-key": key}
    )
    over_http = HttpExporter(
        f"http://{doors.endpoints.otlp_http}/v1/traces",
        headers={"authorization": f"Bearer {key}"},
    )
    for exporter in (over_grpc, over_http):
        assert exporter.export(spans("kept")) is SpanExportResult.SUCCESS
        exporter.shutdown()
    assert doors.span_names() == ["kept", "kept"]


def test_what_a_stranger_sends_is_not_read(doors, key):
    """A refusal comes before the body does: the head alone was sent."""
    connection = http.client.HTTPConnection(doors.endpoints.otlp_http, timeout=WAIT_S)
    connection.putrequest("POST", "/v1/traces")
    connection.putheader("Content-Type", "application/x-protobuf")
    connection.putheader("Content-Length", str(60 << 20))
    connection.endheaders()
    assert connection.getresponse().status == 401
    connection.close()


@pytest.mark.parametrize("endless", [b"x-long: ", b"x-short: a\r\n"], ids=["value", "headers"])
def test_a_head_that_does_not_end_is_let_go(doors, endless):
    host, _, port = doors.endpoints.otlp_http.rpartition(":")
    with socket.create_connection((host, int(port)), WAIT_S) as connection:
        connection.sendall(b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\n" + endless)
        with pytest.raises(OSError):
            for _ in range(1024):
                connection.sendall(endless * 4096)
    assert by_http(doors, {})[0] == 200
