"""What the doors decide without a socket: statuses, tenants, addresses."""

import asyncio
from collections import Counter

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector import errors
from otel_vector.errors import (
    AccessError,
    ConfigError,
    InboxFullError,
    InvalidInputError,
    LimitedError,
    OtelVectorError,
    PermanentError,
    QuotaError,
    RetryableError,
    StorageFullError,
    TooLargeError,
)
from otel_vector.keys.contract import Key, Role
from otel_vector_collector.receive.accept import TRACES, Acceptor
from otel_vector_collector.receive.addresses import Address
from otel_vector_collector.receive.gate import Gate
from otel_vector_collector.receive.http_door import HttpDoor
from otel_vector_collector.receive.limits import Sender
from otel_vector_collector.receive.status import grpc_refusal, http_refusal
from otel_vector_collector.receive.tenant import DEFAULT_TENANT, tenant_of

PROTOBUF = "application/x-protobuf"
EVERY_ERROR = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type)), key=lambda k: k.__name__
)
RETRIED_OVER_HTTP = {429, 502, 503, 504}
RETRIED_OVER_GRPC = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}
"""The second one only together with RetryInfo, which what is too large lacks."""


@pytest.mark.parametrize("kind", EVERY_ERROR)
def test_every_error_has_a_status_that_tells_whether_to_repeat(kind):
    error = kind("what to do")
    over_grpc, over_http = grpc_refusal(error), http_refusal(error, PROTOBUF)
    retryable = issubclass(kind, RetryableError)
    assert (over_grpc.code in RETRIED_OVER_GRPC and over_grpc.trailers != ()) == retryable
    assert (over_http.status in RETRIED_OVER_HTTP) == retryable
    assert bool(over_grpc.trailers) == retryable
    assert any(name == b"retry-after" for name, _ in over_http.headers) == retryable
    status = Status.FromString(over_http.body)
    assert (status.code, status.message) == (over_grpc.code.value[0], "what to do")


def test_no_hint_is_longer_than_python_clients_wait():
    reply = http_refusal(InboxFullError("full", retry_after_s=60), PROTOBUF)
    assert (b"retry-after", b"2") in reply.headers


def test_a_rate_is_told_as_busy_and_a_quota_as_used_up_until_it_is_renewed():
    rate, quota = LimitedError("slower", 0.4), QuotaError("tomorrow", 7200.0)
    assert grpc_refusal(rate).code is grpc.StatusCode.UNAVAILABLE
    assert grpc_refusal(quota).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    hint = RetryInfo.FromString(dict(grpc_refusal(quota).trailers)["google.rpc.retryinfo-bin"])
    assert hint.retry_delay.seconds == 7200
    for error, header in ((rate, b"1"), (quota, b"7200")):
        reply = http_refusal(error, PROTOBUF)
        assert reply.status == 429
        assert (b"retry-after", header) in reply.headers


def test_too_large_is_never_told_to_be_repeated():
    assert grpc_refusal(TooLargeError("x")).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert grpc_refusal(TooLargeError("x")).trailers == ()


def key_for(*tenants):
    return Key("0123456789ab", "shop", frozenset({Role.INGEST}), frozenset(tenants), 1)


def test_without_keys_the_tenant_is_the_default():
    assert tenant_of([]) == DEFAULT_TENANT
    assert tenant_of([("x-scope-orgid", "default"), ("x-tenant", "default")]) == DEFAULT_TENANT


@pytest.mark.parametrize("header", ["x-tenant", "x-scope-orgid"])
def test_without_keys_another_tenant_is_refused_rather_than_taken_for_the_default(header):
    with pytest.raises(AccessError, match="keys create NAME --tenant acme"):
        tenant_of([(header, "acme")])


@pytest.mark.parametrize("header", ["x-tenant", "x-scope-orgid"])
@pytest.mark.parametrize("tenants", [("acme", "other"), ("*",)], ids=["some", "all"])
def test_a_header_chooses_among_the_tenants_of_the_key(header, tenants):
    assert tenant_of([(header, "acme")], key_for(*tenants)) == "acme"


def test_a_key_of_one_tenant_needs_no_header():
    assert tenant_of([], key_for("acme")) == "acme"


def test_headers_that_agree_are_one_choice():
    asked = [("x-tenant", "acme"), ("x-scope-orgid", "acme")]
    assert tenant_of(asked, key_for("acme")) == "acme"


@pytest.mark.parametrize("header", ["x-tenant", "x-scope-orgid"])
def test_a_header_without_a_value_names_no_tenant(header):
    assert tenant_of([(header, "")]) == DEFAULT_TENANT
    assert tenant_of([(header, " ")], key_for("acme")) == "acme"
    assert tenant_of([(header, ""), ("x-tenant", "b")], key_for("acme", "b")) == "b"
    with pytest.raises(InvalidInputError, match="choose one"):
        tenant_of([(header, "")], key_for("acme", "b"))


@pytest.mark.parametrize("asked", ["acme|other", "acme,other", "acme, other"])
def test_several_tenants_in_one_header_are_refused_as_such(asked):
    for key in (None, key_for("*"), key_for("acme", "other")):
        with pytest.raises(InvalidInputError, match="each is asked alone"):
            tenant_of([("x-scope-orgid", asked)], key)


@pytest.mark.parametrize("asked", ["Acme", "../acme", "a" * 64, "acme\n", "*", "acme,acme"])
@pytest.mark.parametrize("tenants", [("acme",), ("*",)], ids=["one", "all"])
def test_what_is_no_tenant_is_refused(asked, tenants):
    with pytest.raises(InvalidInputError):
        tenant_of([("x-tenant", asked)], key_for(*tenants))


def test_a_tenant_the_key_is_not_for_is_refused():
    with pytest.raises(AccessError):
        tenant_of([("x-tenant", "theirs")], key_for("acme"))


@pytest.mark.parametrize("other", ["x-tenant", "x-scope-orgid"])
def test_headers_that_differ_are_refused(other):
    with pytest.raises(InvalidInputError, match="several"):
        tenant_of([("x-tenant", "acme"), (other, "other")], key_for("acme", "other"))


@pytest.mark.parametrize("tenants", [("acme", "other"), ("*",)], ids=["some", "all"])
def test_a_key_of_several_tenants_must_choose(tenants):
    with pytest.raises(InvalidInputError, match="x-tenant"):
        tenant_of([], key_for(*tenants))


@pytest.mark.parametrize(
    ("text", "host", "port", "shown"),
    [
        ("127.0.0.1:4317", "127.0.0.1", 4317, "127.0.0.1:4317"),
        ("[::1]:0", "::1", 0, "[::1]:0"),
        (" localhost:1 ", "localhost", 1, "localhost:1"),
    ],
)
def test_addresses_are_read_and_shown(text, host, port, shown):
    address = Address.parse(text, "serve.api")
    assert (address.host, address.port, str(address)) == (host, port, shown)


@pytest.mark.parametrize("text", ["127.0.0.1:0", "127.9.9.9:1", "localhost:0", "[::1]:0"])
def test_loopback_is_served_without_keys(text):
    Gate(None).guard(Address.parse(text, "serve.api"))


def test_other_hosts_are_not_served_without_keys():
    with pytest.raises(ConfigError, match=r"serve\.api = 192\.0\.2\.1:8317.*keys create"):
        Gate(None).guard(Address.parse("192.0.2.1:8317", "serve.api"))


def test_the_tree_of_errors_is_split_in_two():
    both = {RetryableError, PermanentError, OtelVectorError}
    for kind in set(EVERY_ERROR) - both:
        assert issubclass(kind, RetryableError) != issubclass(kind, PermanentError)
    assert issubclass(StorageFullError, RetryableError)


class BrokenInbox:
    """An inbox with a fault that nobody foresaw."""

    def __init__(self):
        self.counted = Counter()

    def submit(self, envelope):
        raise ZeroDivisionError

    def count(self, name, n):
        self.counted[name] += n


def test_a_fault_of_ours_is_counted_logged_and_no_fault_of_the_sender(caplog):
    inbox = BrokenInbox()
    body = TracesData()
    span = body.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id = b"t" * 16, b"s" * 8
    accepting = Acceptor(inbox, 1 << 20).accept(
        TRACES, Sender(DEFAULT_TENANT), body.SerializeToString(), PROTOBUF, ""
    )
    with pytest.raises(PermanentError, match="its log says more") as fault:
        asyncio.run(accepting)
    assert grpc_refusal(fault.value).code is grpc.StatusCode.INTERNAL
    assert inbox.counted == {"refused.fault": 1}
    assert "ZeroDivisionError" in caplog.text


def test_a_body_that_never_ends_is_let_go(monkeypatch):
    """What has come of it counts among the bytes held, so that stalled ones would shut the door."""
    monkeypatch.setattr("otel_vector_collector.receive.http_door._BODY_S", 0.01)
    door = HttpDoor(Acceptor(BrokenInbox(), 1 << 20), Gate(None), None)
    begun = [{"type": "http.request", "body": b"x" * 1000, "more_body": True}]
    sent = []

    async def receive():
        return begun.pop() if begun else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    headers = [(b"content-type", PROTOBUF.encode())]
    scope = {"method": "POST", "path": "/v1/traces", "headers": headers}
    asyncio.run(door._serve(scope, receive, send))
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"2") in sent[0]["headers"]
    assert "within" in Status.FromString(sent[1]["body"]).message
    assert door._held_bytes == 0
