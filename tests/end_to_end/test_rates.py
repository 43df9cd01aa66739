"""Limits at the real doors: what senders are told, whom it concerns, and what is counted."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import grpc
import httpx
import orjson
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from isolating import MARK, spans
from sending import METHODS, PROTOBUF, WAIT_S, as_flags
from serving import Served, eventually

from otel_vector.keys.audit import AuditLog
from otel_vector.keys.contract import KeyLimits, KeyOrder, Role
from otel_vector.settings.config import Settings
from otel_vector.spans.ids import Tenant
from otel_vector.wiring import open_keyring

BODY = spans(MARK, 0xC1).SerializeToString()  # 40 spans


class Doors:
    """A served folder and its keys by name."""

    def __init__(self, folder, keys, **settings):
        folder.mkdir(exist_ok=True)
        self.served, self.keys = Served(folder), {}
        with open_keyring(replace(Settings(), data=self.served.data)) as ring:
            for name, (tenant, limits) in keys.items():
                roles = frozenset({Role.INGEST, Role.READ})
                order = KeyOrder(name, roles, frozenset({Tenant(tenant)}), 0, limits)
                self.keys[name] = ring.create(order).text
        self.served.start(*as_flags(settings))

    def post(self, name, body=BODY):
        return httpx.post(
            f"http://{self.served.endpoints['otlp_http']}/v1/traces",
            content=body,
            headers={**PROTOBUF, "x-api-key": self.keys.get(name, name)},
            timeout=WAIT_S,
            trust_env=False,
        )

    def call(self, name):
        with grpc.insecure_channel(self.served.endpoints["otlp_grpc"]) as channel:
            send = channel.unary_unary(METHODS["/v1/traces"])
            try:
                return send(BODY, timeout=WAIT_S, metadata=(("x-api-key", self.keys[name]),))
            except grpc.RpcError as refused:
                return refused

    def ask(self, name, path="/v1/services"):
        return httpx.get(
            f"http://{self.served.endpoints['api']}{path}",
            headers={"x-api-key": self.keys.get(name, name)},
            timeout=WAIT_S,
            trust_env=False,
        )

    def metrics(self):
        return self.ask("all", "/metrics").text


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    made = Doors(
        tmp_path_factory.mktemp("rates"),
        {
            "slow": ("a", KeyLimits(spans_per_s=20.0)),
            "free": ("a", KeyLimits()),
            "curious": ("b", KeyLimits(questions_per_s=1.0)),
            "used": ("c", KeyLimits()),
            "all": ("*", KeyLimits()),
        },
        limits__burst_s=2,
        limits__tenants="c:spans_per_day=60",
        serve__doors=2,
    )
    yield made
    made.served.end()


def until_refused(send, is_refused):
    """Send until it is refused; several doors learn from each other within a moment."""
    answers = []
    eventually(lambda: answers.append(send()) or is_refused(answers[-1]), WAIT_S)
    return answers[-1], len(answers)


def test_a_used_up_rate_is_told_as_busy_over_http(doors):
    refused, sent = until_refused(lambda: doors.post("slow"), lambda a: a.status_code != 200)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert "spans a second" in Status.FromString(refused.content).message
    assert sent <= 20
    assert doors.post("free").status_code == 200


def test_a_used_up_rate_is_told_as_busy_over_grpc_with_the_time_to_wait(doors):
    refused, _ = until_refused(lambda: doors.call("slow"), lambda a: isinstance(a, grpc.RpcError))
    assert refused.code() is grpc.StatusCode.UNAVAILABLE
    trailers = dict(refused.trailing_metadata())
    hint = RetryInfo.FromString(trailers["google.rpc.retryinfo-bin"])
    assert Status.FromString(trailers["grpc-status-details-bin"]).details
    assert hint.retry_delay.ToNanoseconds() > 0
    assert doors.call("free") == b""


def test_a_used_up_quota_is_told_with_the_time_until_it_is_renewed(doors):
    refused, sent = until_refused(lambda: doors.post("used"), lambda a: a.status_code != 200)
    assert refused.status_code == 429
    assert sent >= 3
    assert int(refused.headers["retry-after"]) == pytest.approx(
        86400 - time.time() % 86400, abs=30
    )
    over_grpc, _ = until_refused(
        lambda: doors.call("used"), lambda a: isinstance(a, grpc.RpcError)
    )
    assert over_grpc.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "google.rpc.retryinfo-bin" in dict(over_grpc.trailing_metadata())
    assert doors.post("free").status_code == 200


def test_a_key_that_asks_too_often_is_told_where_it_stands(doors):
    first = doors.ask("curious")
    assert first.status_code == 200
    assert first.headers["ratelimit-policy"] == '"questions";q=2;w=2'
    assert first.headers["ratelimit"].startswith('"questions";r=1;t=')
    refused, _ = until_refused(lambda: doors.ask("curious"), lambda a: a.status_code != 200)
    assert refused.status_code == 429
    assert refused.json()["type"] == "urn:otel-vector:problem:limited"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit"] == '"questions";r=0;t=1'
    assert "ratelimit" not in doors.ask("free").headers


def test_what_is_limited_is_counted_by_what_and_by_tenant(doors):
    """Runs after those that were refused; a process of its own would cost seconds."""
    for send, name in ((doors.post, "slow"), (doors.post, "used"), (doors.ask, "curious")):
        until_refused(lambda send=send, name=name: send(name), lambda a: a.status_code == 429)

    def told(what, tenant):
        return f'otel_vector_limited_total{{tenant="{tenant}",what="{what}"}}' in doors.metrics()

    eventually(lambda: told("rate", "a") and told("quota", "c") and told("questions", "b"))


def test_strangers_are_slowed_down_and_nobody_else(doors):
    stranger = "ov_000000000000_" + "x" * 43
    started = time.monotonic()
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: doors.ask(stranger).status_code, range(30)))
        assert doors.ask("free").status_code == 200
    assert set(answers) == {401}
    assert time.monotonic() - started >= 1.0

    def took_s():
        asked = time.monotonic()
        assert doors.ask("all").status_code in {200, 400}
        return time.monotonic() - asked

    assert any(took_s() < 1.0 for _ in range(5))  # a busy machine may delay some


def test_a_disk_quota_and_what_was_set_is_recorded(tmp_path):
    keys = {"one": ("a", KeyLimits())}
    made = Doors(tmp_path / "disk", keys, limits__disk_bytes=1)
    try:
        assert made.post("one").status_code == 200
        refused, _ = until_refused(lambda: made.post("one"), lambda a: a.status_code != 200)
        assert refused.status_code == 429
        assert "on disk" in Status.FromString(refused.content).message
        assert refused.headers["retry-after"] == "600"
    finally:
        made.served.end()
    acts = [e.act for e in AuditLog(made.served.data).entries() if e.act.what == "limits.set"]
    assert [dict(act.detail) for act in acts] == [{"disk_bytes": "1"}]


def test_a_quota_that_cannot_be_read_stops_the_start_with_a_sentence(tmp_path):
    served = Served(tmp_path)
    with pytest.raises(AssertionError, match=r"limits\.tenants"):
        served.start("--set", "limits.tenants=acme:spans=5")


def test_records_use_up_the_quota_of_their_tenant_and_of_no_other(tmp_path):
    keys = {"one": ("a", KeyLimits()), "other": ("b", KeyLimits())}
    made = Doors(tmp_path / "records", keys, limits__tenants="a:bytes_per_day=2000")

    def store(name, media="application/json"):
        return httpx.post(
            f"http://{made.served.endpoints['api']}/v1/records/code",
            content=orjson.dumps({"key": "k", "body": {"text": "x" * 1500}}) + b"\n",
            headers={"x-api-key": made.keys[name], "content-type": media},
            timeout=WAIT_S,
        )

    try:
        assert [store("one").status_code for _ in range(3)] == [200, 200, 429]
        refused = store("one", "application/x-ndjson")
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert "limits.bytes_per_day" in refused.json()["detail"]
        eventually(lambda: made.post("one").status_code == 429)
        assert store("other").status_code == 200
    finally:
        made.served.end()
