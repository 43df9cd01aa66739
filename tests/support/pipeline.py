"""What must hold for any bytes on their way from a door to a batch.

Shared by the fuzzer (tests/fuzz) and the property tests (tests/unit/test_fuzz_*.py). A target
takes bytes and either refuses them with an `InvalidInputError` or returns; anything else that
escapes is a fault.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Any, Final

import zstandard
from google.protobuf.message import DecodeError
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from otel_vector.decode.compression import decompress
from otel_vector.decode.messages import JSON, PROTOBUF, logs_from, traces_from
from otel_vector.decode.validate import validate_logs, validate_traces
from otel_vector.describe.describer import Describer
from otel_vector.errors import InvalidInputError
from otel_vector.redact.redactor import Redactor
from otel_vector.settings.config import DescribeConfig, RedactConfig
from otel_vector.spans.batch import Batch, assemble
from otel_vector.spans.ids import Tenant

__all__ = ["TARGETS", "run", "seeds"]

LIMIT_BYTES: Final = 1 << 20
GOOD: Final = (b"before..", b"behind..")
REDACTOR: Final = Redactor(RedactConfig(), b"a digest key for tests")
SAMPLE: Final = (
    ("service.name", "checkout"),
    ("http.request.header.authorization", "Bearer 2YotnFZFEjr1zCsicMWpAA"),
    ("db.query.text", "SELECT * FROM orders WHERE id = 17"),
    ("gen_ai.input.messages", '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]'),
    ("llm.output_messages.0.message.content", "password=hunter2 and \\u0070assword: x"),
    ("exception.stacktrace", 'Traceback:\n  File "a.py"\nE: postgres://a:b@c/d'),
    ("input.value", '{"a":{"password":"x","n":[1,2.50,null]},"b":"{\\"token\\":\\"4f9a8b7c\\"}"}'),
    ("otel_vector.run.kind", "test"),
)


def run(target: int, body: bytes) -> None:
    """Send bytes through one target; what it refuses is dropped."""
    try:
        TARGETS[target % len(TARGETS)](body)
    except InvalidInputError as error:
        assert str(error), "a refusal says why"


def _traces(data: TracesData, raw: bytes) -> Batch:
    """Validate, redact and describe; check that nothing is lost on the way."""
    accepted = validate_traces(data).accepted
    if REDACTOR.traces(data, raw):
        _check_fixed(REDACTOR.traces, data)
    batch = Describer(DescribeConfig(), Tenant("fuzz")).traces(data)
    assert len(batch) == accepted
    stored = TracesData.FromString(assemble(batch, range(len(batch))))
    found = [s for r in stored.resource_spans for c in r.scope_spans for s in c.spans]
    assert [span.SerializeToString(deterministic=True) for span in found] == batch.bodies
    return batch


def _logs(data: LogsData, raw: bytes) -> Batch:
    accepted = validate_logs(data).accepted
    if REDACTOR.logs(data, raw):
        _check_fixed(REDACTOR.logs, data)
    batch = Describer(DescribeConfig(), Tenant("fuzz")).logs(data)
    assert len(batch) == accepted
    stored = LogsData.FromString(assemble(batch, range(len(batch))))
    found = [s for r in stored.resource_logs for c in r.scope_logs for s in c.log_records]
    assert [record.SerializeToString(deterministic=True) for record in found] == batch.bodies
    return batch


def _check_fixed(redact: Callable[[Any, bytes], int], data: Any) -> None:
    """Redacting again must change nothing."""
    again = type(data)()
    again.CopyFrom(data)
    assert redact(again, b"") == 0
    assert again == data


def _traces_protobuf(body: bytes) -> None:
    _traces(traces_from(body, PROTOBUF), body)


def _logs_protobuf(body: bytes) -> None:
    _logs(logs_from(body, PROTOBUF), body)


def _traces_json(body: bytes) -> None:
    _traces(traces_from(body, JSON), body)


def _logs_json(body: bytes) -> None:
    _logs(logs_from(body, JSON), body)


def _compressed(body: bytes) -> None:
    """The first byte chooses the encoding; a bomb must stop at the limit."""
    encoding = ("gzip", "deflate", "zstd", "identity", "br")[body[0] % 5] if body else ""
    expanded = decompress(body[1:], encoding, LIMIT_BYTES)
    assert len(expanded) <= LIMIT_BYTES
    _traces_protobuf(expanded)


def _sibling_span(body: bytes) -> None:
    """A span made of these bytes stands between two good ones, which must come through."""
    data = TracesData()
    spans = data.resource_spans.add().scope_spans.add().spans
    spans.add(trace_id=b"t" * 16, span_id=GOOD[0], name="GET /cart")
    try:
        spans.append(Span.FromString(body))
    except DecodeError:
        return
    spans.add(trace_id=b"t" * 16, span_id=GOOD[1], name="GET /cart")
    batch = _traces(data, data.SerializeToString())
    assert (batch.span_ids[0], batch.span_ids[-1]) == GOOD
    assert batch.meanings[0] == batch.meanings[-1]


def _sibling_record(body: bytes) -> None:
    data = LogsData()
    records = data.resource_logs.add().scope_logs.add().log_records
    records.add(span_id=GOOD[0]).body.string_value = "order placed"
    try:
        records.append(LogRecord.FromString(body))
    except DecodeError:
        return
    records.add(span_id=GOOD[1]).body.string_value = "order placed"
    batch = _logs(data, data.SerializeToString())
    assert (batch.span_ids[0], batch.span_ids[-1]) == GOOD
    assert batch.meanings[0] == batch.meanings[-1]


def _text(body: bytes) -> None:
    """These bytes as the text of a span, wherever it has text."""
    text = body.decode("utf-8", "replace")
    span = Span(trace_id=b"t" * 16, span_id=GOOD[0], name=text, trace_state=text)
    span.attributes.add(key="input.value").value.string_value = text
    span.attributes.add(key=text).value.bytes_value = body
    event = span.events.add(name="exception")
    event.attributes.add(key="exception.message").value.string_value = text
    span.status.code, span.status.message = 2, text
    _sibling_span(span.SerializeToString())


TARGETS: Final[tuple[Callable[[bytes], None], ...]] = (
    _traces_protobuf,
    _logs_protobuf,
    _traces_json,
    _logs_json,
    _compressed,
    _sibling_span,
    _sibling_record,
    _text,
)


def seeds() -> list[tuple[int, bytes]]:
    """Return (target, bytes) pairs from which to start: valid input of every kind."""
    traces, logs = _sample_traces(), _sample_logs()
    protobuf = traces.SerializeToString()
    span = traces.resource_spans[0].scope_spans[0].spans[0]
    record = logs.resource_logs[0].scope_logs[0].log_records[0]
    packed = (gzip.compress(protobuf), zlib.compress(protobuf), zstandard.compress(protobuf))
    return [
        (0, protobuf),
        (1, logs.SerializeToString()),
        (2, _TRACES_JSON),
        (3, _LOGS_JSON),
        *((4, bytes([number]) + body) for number, body in enumerate((*packed, protobuf))),
        (5, span.SerializeToString()),
        (6, record.SerializeToString()),
        *((7, value.encode()) for _, value in SAMPLE),
    ]


def _sample_traces() -> TracesData:
    data = TracesData()
    resource = data.resource_spans.add(schema_url="https://opentelemetry.io/schemas/1.40.0")
    scope = resource.scope_spans.add()
    scope.scope.name = "shop"
    span = scope.spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="POST /orders", kind=2)
    span.start_time_unix_nano, span.end_time_unix_nano = 1_760_000_000_000_000_000, 2**64 - 1
    span.trace_state, span.flags = "ov=test,a=b", 257
    resource.resource.attributes.add(key="service.name").value.string_value = "checkout"
    _fill(span.attributes)
    failure = span.events.add(name="exception").attributes.add(key="exception.message")
    failure.value.string_value = "card declined"
    span.links.add(trace_id=b"l" * 16, span_id=b"k" * 8)
    span.status.code, span.status.message = 2, "card declined"
    return data


def _sample_logs() -> LogsData:
    data = LogsData()
    record = (
        data.resource_logs.add()
        .scope_logs.add()
        .log_records.add(
            time_unix_nano=1,
            trace_id=b"t" * 16,
            span_id=b"s" * 8,
            event_name="gen_ai.user.message",
        )
    )
    record.body.kvlist_value.values.add(key="content").value.string_value = "hi"
    _fill(record.attributes)
    return data


def _fill(attributes: Any) -> None:
    for key, value in SAMPLE:
        attributes.add(key=key).value.string_value = value
    attributes.add(key="empty").value.SetInParent()
    attributes.add(key="list").value.array_value.values.add().int_value = -1
    attributes.add(key="bytes").value.bytes_value = b"\x00\xff"
    attributes.add(key="double").value.double_value = float("nan")


_ATTRIBUTES: Final = (
    b'"attributes":[{"key":"http.response.status_code","value":{"intValue":"503"}},'
    b'{"key":"a","value":{"kvlistValue":{"values":[{"key":"password","value":'
    b'{"stringValue":"x"}}]}}},{"key":"b","value":{"bytesValue":"AP8="}},'
    b'{"key":"c","value":{"arrayValue":{"values":[{"doubleValue":1.5},{"boolValue":true}]}}}]'
)
_TRACES_JSON: Final = (
    b'{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{"name":"shop"},"spans":[{'
    b'"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"GET",'
    b'"kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661,'
    b'"status":{"code":2,"message":"\\ud83d\\ude00"},' + _ATTRIBUTES + b"}]}]}]}"
)
_LOGS_JSON: Final = (
    b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","severityNumber":9,'
    b'"body":{"stringValue":"order placed"},' + _ATTRIBUTES + b"}]}]}]}"
)
