"""Bad input at the doors: each gets the status that OTLP defines, and the door goes on."""

import gzip
import zlib
from dataclasses import replace

import grpc
import orjson
import pytest
import zstandard
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from support.doors import ANY_PORT, open_doors

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
LOGS_SERVICE = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
METRICS_SERVICE = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
IDS = {"trace_id": b"t" * 16, "span_id": b"s" * 8}


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    with open_doors(tmp_path_factory.mktemp("doors"), max_request_bytes=1 << 20) as opened:
        yield opened


def request(*spans, **fields):
    built = ExportTraceServiceRequest()
    scope = built.resource_spans.add().scope_spans.add()
    for span in spans or [{}]:
        scope.spans.add(**(IDS | {"name": "good"} | span | fields))
    return built


def bytes_of(*spans, **fields):
    return request(*spans, **fields).SerializeToString()


def refused(doors, body, **options):
    with pytest.raises(grpc.RpcError) as error:
        doors.call(body, **options)
    return error.value


def still_open(doors):
    doors.stored()
    assert doors.call(bytes_of()) == b""
    assert doors.post("/v1/traces", bytes_of(), PROTOBUF).status == 200
    return doors.span_names() == ["good", "good"]


TRUNCATED = bytes_of()[:-3]
NOT_UTF8 = bytes_of(name="AAAA").replace(b"AAAA", b"\xff\xfe\xed\xed")


@pytest.mark.parametrize(
    "body",
    [TRUNCATED, NOT_UTF8, b"\xff" * 30, gzip.compress(b"\xff" * 9)],
    ids=["truncated", "not utf-8", "no protobuf", "gzip of no protobuf"],
)
def test_what_protobuf_cannot_parse_is_refused_whole(doors, body):
    error = refused(doors, body)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "not an OTLP protobuf message" in error.details()
    assert not [k for k, _ in error.trailing_metadata() if k == "grpc-status-details-bin"]
    headers = PROTOBUF | ({"content-encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {})
    reply = doors.post("/v1/traces", body, headers)
    assert (reply.status, reply.headers["content-type"]) == (400, "application/x-protobuf")
    assert "not an OTLP protobuf message" in Status.FromString(reply.body).message
    assert still_open(doors)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"resourceSpans": 7}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_SERVER"}]}]}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"\\ud800"}]}]}]}',
        b'{"resourceSpans":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_json_of_the_wrong_shape_is_refused_in_json(doors, body):
    reply = doors.post("/v1/traces", body, JSON)
    assert (reply.status, reply.headers["content-type"]) == (400, "application/json")
    status = orjson.loads(reply.body)
    assert status["code"] == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert status["message"]
    assert still_open(doors)


def test_a_page_of_another_site_cannot_send(doors):
    reply = doors.post("/v1/traces", bytes_of(), PROTOBUF | {"origin": "http://evil.example:4318"})
    assert reply.status == 403
    assert Status.FromString(reply.body).code == grpc.StatusCode.PERMISSION_DENIED.value[0]
    reply = doors.post("/v1/traces", bytes_of(), PROTOBUF | {"origin": "http://localhost:3000"})
    assert reply.status == 200
    assert still_open(doors)


def test_json_nested_deeper_than_protobuf_reads_is_refused(doors):
    value = b'{"stringValue":"deep"}'
    for _ in range(200):
        value = b'{"arrayValue":{"values":[' + value + b"]}}"
    span = b'{"attributes":[{"key":"a","value":' + value + b"}]}"
    reply = doors.post(
        "/v1/traces", b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + span + b"]}]}]}", JSON
    )
    assert reply.status == 400
    assert "nested deeper" in orjson.loads(reply.body)["message"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", ""])
def test_another_content_type_is_415(doors, content_type):
    reply = doors.post("/v1/traces", bytes_of(), {"content-type": content_type})
    assert reply.status == 415
    assert "application/x-protobuf" in orjson.loads(reply.body)["message"]


def test_another_content_encoding_is_415(doors):
    reply = doors.post("/v1/traces", bytes_of(), PROTOBUF | {"content-encoding": "br"})
    assert reply.status == 415
    assert "gzip" in Status.FromString(reply.body).message


def test_an_unknown_path_is_404_and_another_method_405(doors):
    unknown = doors.post("/v1/profiles", b"{}", JSON)
    assert (unknown.status, orjson.loads(unknown.body)["code"]) == (404, 5)
    got = doors.post("/v1/traces", headers=PROTOBUF, method="GET")
    assert (got.status, got.headers["allow"]) == (405, "POST")
    assert Status.FromString(got.body).message == "only POST is served here"


def test_an_unknown_grpc_method_is_unimplemented(doors):
    error = refused(doors, b"", method="/opentelemetry.proto.collector.trace.v1.TraceService/Get")
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


COMPRESSIONS = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize("encoding", COMPRESSIONS)
def test_a_bomb_is_413(doors, encoding):
    bomb = COMPRESSIONS[encoding](bytes(50 << 20))
    reply = doors.post("/v1/traces", bomb, PROTOBUF | {"content-encoding": encoding})
    assert reply.status == 413
    assert "after decompression" in Status.FromString(reply.body).message
    assert still_open(doors)


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_a_bomb_over_grpc_is_refused_for_good(doors, compression):
    error = refused(doors, bytes(50 << 20), compression=compression)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not [k for k, _ in error.trailing_metadata() if "retryinfo" in k]
    assert still_open(doors)


def test_too_many_bytes_are_413_and_resource_exhausted(doors):
    body = bytes_of(name="x" * (1 << 20))
    assert doors.post("/v1/traces", body, PROTOBUF).status == 413
    error = refused(doors, body)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not [k for k, _ in error.trailing_metadata() if "retryinfo" in k]
    assert still_open(doors)


def test_too_many_bytes_of_unknown_length_are_413(doors):
    reply = doors.post("/v1/traces", iter([bytes(1 << 19)] * 4), PROTOBUF)
    assert reply.status == 413


def test_sixty_five_mebibytes_are_refused_by_default(tmp_path):
    with open_doors(tmp_path) as doors:
        body = bytes_of(name="x" * (65 << 20))
        assert refused(doors, body).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert doors.post("/v1/traces", body, PROTOBUF).status == 413
        just_fits = bytes_of(name="x" * ((64 << 20) - 100))
        assert doors.call(just_fits) == b""
        assert doors.inbox.state().bytes == len(just_fits)


MIXED = [
    {"name": "first"},
    {"trace_id": b"t" * 15},
    {"trace_id": bytes(16)},
    {"span_id": bytes(8)},
    {"name": "last"},
]


def test_bad_spans_are_refused_one_by_one(doors):
    doors.stored()
    before = doors.inbox.counters()
    answer = ExportTraceServiceResponse.FromString(doors.call(bytes_of(*MIXED)))
    assert answer.partial_success.rejected_spans == 3
    message = answer.partial_success.error_message
    assert "1 rejected: the trace id does not have 16 bytes" in message
    assert doors.span_names() == ["first", "last"]
    after = doors.inbox.counters()
    assert after["rejected.trace_id_zero"] - before.get("rejected.trace_id_zero", 0) == 1
    assert after["accepted.spans"] - before.get("accepted.spans", 0) == 2


def test_bad_spans_over_http_are_answered_in_kind(doors):
    doors.stored()
    reply = doors.post("/v1/traces", bytes_of(*MIXED), PROTOBUF)
    assert reply.status == 200
    assert ExportTraceServiceResponse.FromString(reply.body).partial_success.rejected_spans == 3
    spans = [{"name": "good", "traceId": "ab" * 16, "spanId": "cd" * 8}, {"traceId": "ab" * 15}]
    body = orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
    reply = doors.post("/v1/traces", body, JSON)
    partial = orjson.loads(reply.body)["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert "16 bytes" in partial["errorMessage"]
    assert doors.span_names() == ["first", "last", "good"]


def test_a_request_of_bad_spans_only_stores_nothing(doors):
    doors.stored()
    answer = ExportTraceServiceResponse.FromString(doors.call(bytes_of(span_id=b"")))
    assert answer.partial_success.rejected_spans == 1
    assert doors.stored() == []


def test_logs_sent_as_spans_are_refused_one_by_one(doors):
    doors.stored()
    logs = LogsData()
    logs.resource_logs.add().scope_logs.add().log_records.add(severity_text="INFO")
    answer = ExportTraceServiceResponse.FromString(doors.call(logs.SerializeToString()))
    assert answer.partial_success.rejected_spans == 1
    assert doors.stored() == []


def test_log_records_with_wrong_ids_are_refused_one_by_one(doors):
    doors.stored()
    logs = LogsData()
    scope = logs.resource_logs.add().scope_logs.add()
    scope.log_records.add(trace_id=b"short")
    scope.log_records.add(severity_text="kept")
    body = logs.SerializeToString()
    answer = ExportLogsServiceResponse.FromString(doors.call(body, LOGS_SERVICE))
    assert answer.partial_success.rejected_log_records == 1
    (kept,) = doors.stored()
    assert kept.resource_logs[0].scope_logs[0].log_records[0].severity_text == "kept"


def test_metrics_are_answered_with_all_points_rejected(doors):
    metrics = ExportMetricsServiceRequest()
    metric = metrics.resource_metrics.add().scope_metrics.add().metrics.add()
    metric.sum.data_points.add()
    metric.sum.data_points.add()
    body = metrics.SerializeToString()
    answer = ExportMetricsServiceResponse.FromString(doors.call(body, METRICS_SERVICE))
    assert answer.partial_success.rejected_data_points == 2
    assert "metrics are not stored here" in answer.partial_success.error_message
    reply = doors.post("/v1/metrics", body, PROTOBUF)
    assert ExportMetricsServiceResponse.FromString(reply.body) == answer


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/v1/metrics"])
def test_empty_requests_are_fine(doors, path):
    assert doors.post(path, b"", PROTOBUF).body == b""
    assert doors.post(path, b"{}", JSON).body == b"{}"
    assert (
        doors.post(path, b"{}", {"content-type": "Application/JSON; charset=utf-8"}).status == 200
    )


def test_odd_but_valid_spans_are_taken_as_they_are(doors):
    doors.stored()
    wide = {"attributes": [{"key": f"k{n}"} for n in range(10_000)]}
    odd = [
        {"name": "a\x00b"},
        {"start_time_unix_nano": 0, "end_time_unix_nano": 2**64 - 1},
        {"start_time_unix_nano": 2**64 - 1, "end_time_unix_nano": 1},
        {"attributes": [{"key": "big", "value": {"string_value": "x" * 500_000}}]},
        wide,
        {},
        {},
    ]
    sent = request(*odd)
    assert doors.call(sent.SerializeToString()) == b""
    (stored,) = doors.stored()
    assert stored.SerializeToString() == sent.SerializeToString()


def test_a_full_inbox_is_busy_and_says_when_to_come_back(tmp_path):
    with open_doors(tmp_path, max_bytes=400, retry_s=1.5) as doors:
        assert doors.post("/v1/traces", bytes_of(name="x" * 345), PROTOBUF).status == 200
        error = refused(doors, bytes_of())
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        trailers = dict(error.trailing_metadata())
        hint = RetryInfo.FromString(trailers["google.rpc.retryinfo-bin"])
        assert hint.retry_delay.ToMilliseconds() == 1500
        status = Status.FromString(trailers["grpc-status-details-bin"])
        assert status.code == grpc.StatusCode.UNAVAILABLE.value[0]
        detail = RetryInfo()
        assert status.details[0].Unpack(detail)
        assert detail == hint
        for headers, body in ((PROTOBUF, bytes_of()), (JSON, None)):
            reply = doors.post("/v1/traces", body or json_of_one_span(), headers)
            assert (reply.status, reply.headers["retry-after"]) == (503, "2")
            assert reply.headers["content-type"] == headers["content-type"]
        assert doors.inbox.counters()["refused.inbox_full"] == 3
        assert len(doors.stored()) == 1


def json_of_one_span():
    span = {"name": "good", "traceId": "ab" * 16, "spanId": "cd" * 8}
    return orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})


def test_a_disk_without_room_is_busy(tmp_path):
    with open_doors(tmp_path, min_free_bytes=1 << 62) as doors:
        assert refused(doors, bytes_of()).code() is grpc.StatusCode.UNAVAILABLE
        reply = doors.post("/v1/traces", bytes_of(), PROTOBUF)
        assert reply.status == 503
        assert "free disk space" in Status.FromString(reply.body).message


def test_without_keys_a_header_may_name_the_default_tenant_and_no_other(doors):
    doors.stored()
    refused = doors.post("/v1/traces", bytes_of(), PROTOBUF | {"x-tenant": "acme"})
    assert refused.status == 403
    assert doors.inbox.take(9, 1 << 20, 0) == []
    assert doors.post("/v1/traces", bytes_of(), PROTOBUF | {"x-tenant": "default"}).status == 200
    (delivery,) = doors.inbox.take(9, 1 << 20, 0)
    assert delivery.envelope.tenant == "default"


def test_a_closed_door_has_no_endpoint(tmp_path):
    with open_doors(tmp_path, replace(ANY_PORT, otlp_http="")) as doors:
        assert doors.endpoints.otlp_http == ""
        assert doors.call(bytes_of()) == b""


def test_what_could_never_fit_into_the_inbox_is_too_large_rather_than_busy(tmp_path):
    with open_doors(tmp_path, max_bytes=10_000) as small:
        assert small.post("/v1/traces", bytes_of(name="x" * 20_000), PROTOBUF).status == 413
        assert small.post("/v1/traces", bytes_of(), PROTOBUF).status == 200
