"""Bad and odd input at a served folder: the status OTLP defines, a sentence, nothing good lost.

One server takes all of it. What could be taken is compared with what the API gives back, and
once more after the server was stopped and started. The tests fail when a door answers another
status, when a bad item takes its neighbours with it, when an odd value is changed or becomes a
dead letter, or when anything ends the process or leaves a folder that does not open.
"""

import gzip
import time

import grpc
import orjson
import pytest
from google.protobuf.json_format import ParseDict
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData
from sending import (
    JSON,
    PROTOBUF,
    api,
    as_flags,
    call,
    exported,
    multiset,
    post,
    serving,
    settle,
    traces_of,
)
from serving import eventually

from otel_vector.spans.otlp_json import logs_to_json, traces_to_json

SETTINGS = {"ingest__checkpoint_s": 0.05, "redact__enabled": "false"}
DAY_NS = 86_400 * 10**9
LAST_NS = 2**64 - 1
NOW_NS = time.time_ns()
INVALID, EXHAUSTED = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED


class World:
    """A served folder, and what was sent to it and ought to be there."""

    def __init__(self, served):
        self.served = served
        self.sent = TracesData()
        self._rejected = 0
        self._next = 0

    def span(self, name="good", start_ns=None, end_ns=None, **fields):
        """Return a span of a trace of its own."""
        self._next += 1
        start_ns = NOW_NS if start_ns is None else start_ns
        span = Span(trace_id=self._next.to_bytes(16, "big"), span_id=b"s" * 8, name=name)
        span.start_time_unix_nano = start_ns
        span.end_time_unix_nano = start_ns + 1000 if end_ns is None else end_ns
        for key, value in fields.items():
            span.attributes.add(key=key).value.string_value = value
        return span

    def check(self, data):
        """Compare traces with what the API gives back, and remember them for the restart."""
        assert not settle(self.served)["inbox"]["dead"]
        found = multiset(traces_of(self.served, trace_ids(data)))
        assert found == dict.fromkeys(multiset(data), 1)
        self.sent.MergeFrom(data)

    def check_rejected(self, more):
        """Wait until the statistics show so many more rejections; doors report once a second."""
        self._rejected += more
        eventually(
            lambda: sum(settle(self.served)["rejected"].values()) == self._rejected, within_s=60
        )

    def check_alive(self):
        """Take one more good span, which must be there at the end."""
        assert self.served.process.poll() is None, self.served.log()
        data = request(self.span())
        assert call(self.served, data.SerializeToString()) == b""
        self.sent.MergeFrom(data)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("bad"), **SETTINGS) as served:
        yield World(served)


def request(*spans):
    data = TracesData()
    resource = data.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    resource.scope_spans.add().spans.extend(spans)
    return data


def trace_ids(data):
    return {
        span.trace_id
        for resource in data.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }


def by_grpc(served, data):
    return ExportTraceServiceResponse.FromString(call(served, data.SerializeToString()))


def by_protobuf(served, data):
    reply = post(served, data.SerializeToString())
    assert reply.status == 200
    return ExportTraceServiceResponse.FromString(reply.body)


def by_json(served, data):
    reply = post(served, traces_to_json(data), JSON)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    return ParseDict(orjson.loads(reply.body), ExportTraceServiceResponse())


WAYS = {"grpc": by_grpc, "http": by_protobuf, "json": by_json}
each_way = pytest.mark.parametrize("send", WAYS.values(), ids=WAYS)

GOOD = request(Span(trace_id=b"t" * 16, span_id=b"s" * 8, name="AAAA")).SerializeToString()
UNPARSABLE = {
    "truncated": GOOD[:-3],
    "not UTF-8": GOOD.replace(b"AAAA", b"\xff\xfe\xed\xed"),
    "a lone surrogate": GOOD.replace(b"AAAA", b"A\xed\xa0\x80"),
    "noise": b"\xff" * 40,
}


@pytest.mark.parametrize("body", UNPARSABLE.values(), ids=UNPARSABLE)
def test_what_protobuf_cannot_parse_is_refused_whole_and_for_good(world, body):
    """Fails if such bytes are accepted, or answered with a status that clients repeat."""
    with pytest.raises(grpc.RpcError) as refused:
        call(world.served, body)
    assert refused.value.code() is INVALID
    assert "truncated" in refused.value.details()
    reply = post(world.served, body)
    assert (reply.status, reply.headers["content-type"]) == (400, PROTOBUF["content-type"])
    assert "truncated" in Status.FromString(reply.body).message
    world.check_alive()


def nested(depth, leaf='{"stringValue":"deep"}'):
    return '{"arrayValue":{"values":[' * depth + leaf + "]}}" * depth


def span_json(fields):
    return f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}'


WRONG_JSON = {
    "no JSON": ("{", "not JSON"),
    "a list": ("[]", "must be an object"),
    "a number for a list": ('{"resourceSpans": 7}', "resourceSpans"),
    "the name of an enum": (span_json('"kind":"SPAN_KIND_SERVER"'), "must be an integer"),
    "an id in base64": (span_json('"traceId":"3q2+7w=="'), "must be hex"),
    "a lone surrogate": (span_json('"name":"\\ud800"'), "not JSON"),
    "200 levels": (span_json(f'"attributes":[{{"key":"a","value":{nested(200)}}}]'), "deeper"),
    "100,000 levels": ("[" * 100_000, "not JSON"),
}


@pytest.mark.parametrize(("body", "why"), WRONG_JSON.values(), ids=WRONG_JSON)
def test_json_of_the_wrong_shape_is_400_with_the_place(world, body, why):
    """Fails if the JSON door guesses, answers 500, or says nothing of the reason."""
    reply = post(world.served, body.encode(), JSON)
    assert (reply.status, reply.headers["content-type"]) == (400, "application/json")
    status = orjson.loads(reply.body)
    assert status["code"] == INVALID.value[0]
    assert why in status["message"]
    world.check_alive()


def test_another_content_type_or_encoding_is_415(world):
    """Fails if a body is parsed as something its sender did not say it is."""
    for headers in ({"content-type": "text/plain"}, {}, PROTOBUF | {"content-encoding": "br"}):
        reply = post(world.served, GOOD, headers)
        assert reply.status == 415
        assert b"use " in reply.body
    world.check_alive()


def test_a_bomb_and_65_mebibytes_are_refused_for_good(world):
    """Fails if the limit holds for compressed sizes only, or the answer invites a retry."""
    large = request(world.span(big="x" * (65 << 20))).SerializeToString()
    for body in (large, gzip.compress(bytes(200 << 20), 1)):
        encoded = {"content-encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
        reply = post(world.served, body, PROTOBUF | encoded)
        assert reply.status == 413
        assert "send smaller batches" in Status.FromString(reply.body).message
    for body, compression in ((large, None), (bytes(200 << 20), grpc.Compression.Gzip)):
        with pytest.raises(grpc.RpcError) as refused:
            call(world.served, body, compression=compression)
        assert refused.value.code() is EXHAUSTED
        assert not [key for key, _ in refused.value.trailing_metadata() if "retry" in key]
    world.check_alive()


@each_way
def test_bad_ids_are_refused_one_by_one_and_the_rest_is_kept(world, send):
    """Fails if a bad span takes its batch with it, is stored, or is not told about."""
    good = [world.span("first"), world.span("last")]
    bad = [world.span() for _ in range(5)]
    bad[0].trace_id = b"t" * 15
    bad[1].trace_id = bytes(16)
    bad[2].span_id = bytes(8)
    bad[3].span_id = b"s" * 7
    bad[4].parent_span_id = b"p" * 3
    before = settle(world.served)["spans"]
    partial = send(world.served, request(good[0], *bad, good[1])).partial_success
    assert partial.rejected_spans == 5
    assert "1 rejected: the trace id does not have 16 bytes" in partial.error_message
    world.check(request(*good))
    assert settle(world.served)["spans"] - before == 2
    world.check_rejected(5)


def test_log_records_with_bad_ids_are_refused_one_by_one(world):
    """Fails if a bad record takes its batch with it, or one without ids is refused."""
    data = LogsData()
    records = data.resource_logs.add().scope_logs.add().log_records
    records.add(time_unix_nano=NOW_NS, trace_id=b"t" * 15).body.string_value = "bad"
    records.add(time_unix_nano=NOW_NS, span_id=b"s" * 9).body.string_value = "bad"
    records.add(time_unix_nano=NOW_NS, trace_id=b"l" * 16).body.string_value = "of a trace"
    records.add(observed_time_unix_nano=NOW_NS).body.string_value = "of none"
    answers = [
        call(world.served, data.SerializeToString(), "/v1/logs"),
        post(world.served, data.SerializeToString(), path="/v1/logs").body,
    ]
    for answer in map(ExportLogsServiceResponse.FromString, answers):
        assert answer.partial_success.rejected_log_records == 2
    reply = post(world.served, logs_to_json(data), JSON, "/v1/logs")
    assert orjson.loads(reply.body)["partialSuccess"]["rejectedLogRecords"] == "2"
    world.check_rejected(6)
    del records[:2]
    assert multiset(exported(world.served, signal="logs")) == dict.fromkeys(multiset(data), 1)


def spans_of_odd_values(world):
    """Return cases by name: spans that are odd, and a good one beside them."""
    deep = "[" * 200 + '"x"' + "]" * 200
    objects = '{"a":' * 200 + '"x"' + "}" * 200
    chat = '[{{"role":"user","parts":[{{"type":"text","content":{}}}]}}]'.format
    wide, nests = world.span(), world.span()
    for number in range(10_000):
        wide.attributes.add(key=f"key.{number}").value.int_value = number
    value = AnyValue(string_value="leaf")
    for _ in range(30):
        value = AnyValue(kvlist_value={"values": [{"key": "k", "value": value}]})
    nests.attributes.add(key="deep").value.CopyFrom(value)
    large = "word " * 200_000
    return {
        "NUL": [world.span("a\x00b", **{"k\x00": "v\x00w", "input.value": "\x00 \x00"})],
        "lone surrogates in captured JSON": [
            world.span(**{"gen_ai.input.messages": chat('"hi \\ud800"')}),
            world.span(**{"input.value": '{"q": "\\udc00"}'}),
        ],
        "captured JSON of 200 levels": [
            world.span(**{"gen_ai.input.messages": chat(deep), "input.value": deep}),
            world.span(**{"output.value": objects, "gen_ai.tool.call.arguments": objects}),
            world.span(**{"input.value": "[" * 100_000}),
        ],
        "a value of 30 lists": [nests],
        "a megabyte": [
            world.span(**{"big": "x" * (1 << 20), "input.value": large}),
            world.span("N" * (1 << 20)),
        ],
        "10,000 attributes": [wide],
        "times": [
            world.span(start_ns=start, end_ns=end)
            for start, end in (
                (0, 0), (0, LAST_NS), (LAST_NS, 0), (LAST_NS, LAST_NS), (2**63, 2**63 + 5),
                (NOW_NS, NOW_NS - DAY_NS), (NOW_NS + DAY_NS, NOW_NS + DAY_NS + 1),
            )
        ],
        "empty in every field": [Span(trace_id=world.span().trace_id, span_id=b"s" * 8)],
    }  # fmt: skip


ODD = (
    "NUL", "lone surrogates in captured JSON", "captured JSON of 200 levels",
    "a value of 30 lists", "a megabyte", "10,000 attributes", "times", "empty in every field",
)  # fmt: skip


@each_way
@pytest.mark.parametrize("case", ODD)
def test_odd_but_valid_spans_are_stored_as_they_are(world, case, send):
    """Fails if a value is changed, makes a dead letter, or costs its neighbours their place."""
    odd = spans_of_odd_values(world)[case]
    data = request(world.span(), *odd, world.span())
    assert send(world.served, data) == ExportTraceServiceResponse()
    world.check(data)
    shown = "application/json", "application/otlp+json"
    with api(world.served) as client:
        for trace_id, accept in ((i, a) for i in trace_ids(data) for a in shown):
            answer = client.get(f"/v1/traces/{trace_id.hex()}", headers={"accept": accept})
            assert answer.status_code == 200, answer.text


def test_a_listing_shows_spans_of_any_time_once_and_newest_first(world):
    """Fails if pages lose, double or reorder spans at the ends of 64-bit time."""
    times = [LAST_NS, LAST_NS - 1, LAST_NS - 2_000, LAST_NS - 9_000, 2**63, NOW_NS, 1_000, 1, 0]
    data = request(*(world.span("at the ends of time", t, t) for t in times))
    by_grpc(world.served, data)
    world.check(data)
    question = {"filter": 'name:"at the ends of time"', "group": False, "limit": 2}
    found = []
    with api(world.served) as client:
        cursor = ""
        while cursor is not None:
            page = client.post("/v1/search", json=question | {"cursor": cursor}).json()
            found += [int(span["start_time_unix_nano"]) for span in page["spans"]]
            cursor = page["next"]
    assert [t // 1000 for t in found] == sorted((t // 1000 for t in times), reverse=True)
    assert sorted(found) == sorted(times)


@each_way
def test_a_span_sent_twice_is_stored_once(world, send):
    """Fails if a resend, in the same or in another batch, is counted again."""
    span, other = world.span(), world.span()
    before = settle(world.served)["spans"]
    for batch in (request(span, span), request(span), request(other, span)):
        assert send(world.served, batch) == ExportTraceServiceResponse()
        settle(world.served)
    world.check(request(span, other))
    assert settle(world.served)["spans"] - before == 2


@each_way
def test_a_span_id_with_two_contents_keeps_both(world, send):
    """Fails if the second span replaces the first, or is taken for its resend."""
    one = world.span("one")
    two = Span.FromString(one.SerializeToString())
    two.name = "two"
    send(world.served, request(one))
    send(world.served, request(two))
    world.check(request(one, two))
    with api(world.served) as client:
        path = f"/v1/traces/{one.trace_id.hex()}/spans/{one.span_id.hex()}"
        spans = client.get(path).json()["spans"]
    assert sorted(span["name"] for span in spans) == ["one", "two"]


@each_way
def test_an_empty_batch_is_fine_and_stores_nothing(world, send):
    """Fails if nothing is an error, or becomes something."""
    before = settle(world.served)["spans"]
    for empty in (TracesData(), request()):
        assert send(world.served, empty) == ExportTraceServiceResponse()
    assert settle(world.served)["spans"] == before


def test_all_of_it_is_there_after_a_restart(world):
    """Fails if anything above left a folder that does not open, or opens without something."""
    world.check_alive()
    eventually(lambda: not settle(world.served)["meanings"]["pending"], 60)
    assert world.served.stop() == 0, world.served.log()
    assert "Traceback" not in world.served.log()
    world.served.start(*as_flags(SETTINGS))
    world.check(TracesData.FromString(world.sent.SerializeToString()))
