"""Sends OTLP to a served folder as raw bytes, and reads back what became of it."""

import http.client
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
import httpx
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from serving import Served, eventually

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
WAIT_S = 60
_SERVICE = "/opentelemetry.proto.collector.{0}.v1.{1}Service/Export"
METHODS = {
    "/v1/traces": _SERVICE.format("trace", "Trace"),
    "/v1/logs": _SERVICE.format("logs", "Logs"),
    "/v1/metrics": _SERVICE.format("metrics", "Metrics"),
}


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: dict
    body: bytes


@contextmanager
def serving(folder, **settings):
    """Serve a folder until the block ends; a setting is `part__name=value`."""
    served = Served(folder)
    try:
        served.start(*as_flags(settings))
        yield served
    finally:
        served.end()


def as_flags(settings):
    """Return `--set` flags of settings written `part__name`."""
    pairs = (f"{name.replace('__', '.')}={value}" for name, value in settings.items())
    return [flag for pair in pairs for flag in ("--set", pair)]


def post(served, body, headers=PROTOBUF, path="/v1/traces"):
    """Send a body over HTTP."""
    connection = http.client.HTTPConnection(served.endpoints["otlp_http"], timeout=WAIT_S)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, names, answer.read())
    finally:
        connection.close()


def call(served, body, path="/v1/traces", compression=None):
    """Send a body over gRPC; return the answer's bytes or raise `grpc.RpcError`."""
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(served.endpoints["otlp_grpc"], options) as channel:
        send = channel.unary_unary(METHODS[path])
        return send(body, timeout=WAIT_S, compression=compression)


def api(served):
    """Return a client of the API."""
    address = f"http://{served.endpoints['api']}"
    return httpx.Client(base_url=address, trust_env=False, timeout=WAIT_S)


def settle(served, within_s=WAIT_S):
    """Wait until all that was accepted is stored; return the statistics."""
    with api(served) as client:

        def stats():
            return client.get("/v1/stats").json()

        eventually(lambda: not stats()["inbox"]["pending"], within_s)
        return stats()


def eventually_served(served, is_so, within_s=WAIT_S):
    """Wait until something is so; if it never is, tell what the server says of itself."""
    try:
        eventually(is_so, within_s)
    except AssertionError as late:
        with api(served) as client:
            state = client.get("/ready").text, client.get("/v1/stats").text
        raise AssertionError("\n".join([*state, served.log()])) from late


def traces_of(served, trace_ids):
    """Return the spans of traces, by `GET /v1/traces/{id}` as protobuf."""
    data = TracesData()
    with api(served) as client:
        for trace_id in trace_ids:
            answer = client.get(
                f"/v1/traces/{trace_id.hex()}", headers={"accept": "application/x-protobuf"}
            )
            assert answer.status_code == 200, answer.text
            data.MergeFromString(answer.content)
    return data


def exported(served, **asked):
    """Return everything that `POST /v1/export` gives, as one message."""
    logs = asked.get("signal") == "logs"
    data = LogsData() if logs else TracesData()
    with api(served) as client:
        answer = client.post(
            "/v1/export", json=asked, headers={"accept": "application/x-protobuf"}
        )
    assert answer.status_code == 200, answer.text
    at = 0
    while at < len(answer.content):
        size = int.from_bytes(answer.content[at : at + 4], "big")
        data.MergeFromString(answer.content[at + 4 : at + 4 + size])
        at += 4 + size
    return data


def multiset(data):
    """Count (resource, scope, item), each as its deterministic bytes."""
    logs = isinstance(data, LogsData)
    found = Counter()
    for resource in data.resource_logs if logs else data.resource_spans:
        outer = _bytes(resource, "scope_logs" if logs else "scope_spans")
        for scope in resource.scope_logs if logs else resource.scope_spans:
            inner = _bytes(scope, "log_records" if logs else "spans")
            for item in scope.log_records if logs else scope.spans:
                found[outer, inner, item.SerializeToString(deterministic=True)] += 1
    return found


def _bytes(message, without):
    copy = type(message)()
    copy.CopyFrom(message)
    copy.ClearField(without)
    return copy.SerializeToString(deterministic=True)
