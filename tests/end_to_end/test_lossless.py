"""What is sent comes back protobuf-equal: recorded traces whole, and spans with every field.

The expectation for recorded OTLP JSON is built with protobuf's own JSON reader, not with ours.
"""

import base64
import gzip
import itertools
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData, ResourceLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, TracesData
from sending import (
    JSON,
    api,
    call,
    eventually_served,
    exported,
    multiset,
    post,
    serving,
    settle,
    traces_of,
)

from otel_vector.redact.redactor import Redactor
from otel_vector.settings.config import RedactConfig

REPOSITORY = Path(__file__).parents[2]
TRACES = Path(os.environ.get("OTLP_SHARED", REPOSITORY.parent / "shared")) / "data" / "traces"
IDS = {"traceId", "spanId", "parentSpanId"}
# Recorded traces that are too large for this repository; examples/ has slices of them.
recorded = pytest.mark.skipif(
    not TRACES.is_dir(), reason="the recorded traces are not here; OTLP_SHARED names their folder"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lossless")
    with serving(folder, embed__model="none", redact__enabled="false") as process:
        yield process


@pytest.fixture
def redacting(tmp_path):
    with serving(tmp_path, embed__model="none") as process:
        yield process


def lines_of(path):
    with gzip.open(path) as file:
        return list(file)


def as_protobuf_reads(line):
    """Parse a line of OTLP JSON with protobuf's reader, which wants ids in base64."""
    parsed = json.loads(line, object_hook=_with_base64_ids)
    kind = TracesData if "resourceSpans" in parsed else LogsData
    return ParseDict(parsed, kind())


def _with_base64_ids(found):
    for name in IDS & found.keys():
        found[name] = base64.b64encode(bytes.fromhex(found[name])).decode()
    return found


def redacted(data, key):
    redactor = Redactor(RedactConfig(), key)
    redact = redactor.traces if isinstance(data, TracesData) else redactor.logs
    redact(data, data.SerializeToString())
    return data


def trace_ids_of(data):
    return {
        span.trace_id
        for resource in data.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }


def once_each(messages):
    """Return what is stored of messages: each distinct item once."""
    return Counter(dict.fromkeys(itertools.chain.from_iterable(map(multiset, messages)), 1))


@recorded
def test_every_recorded_span_and_log_record_comes_back_equal(redacting):
    """Fails if one of 140,000 items is lost, doubled or changed by more than its redaction."""
    key = (redacting.data / "redact.key").read_bytes()
    spans, logs, trace_ids = Counter(), Counter(), set()
    for path in sorted(TRACES.glob("*.otlp.jsonl.gz")):
        lines = lines_of(path)
        of_logs = ".logs." in path.name
        for line in lines:
            reply = post(redacting, line, JSON, "/v1/logs" if of_logs else "/v1/traces")
            assert (reply.status, reply.body) == (200, b"{}")
        messages = [redacted(as_protobuf_reads(line), key) for line in lines]
        if of_logs:
            logs |= once_each(messages)
        else:
            spans |= once_each(messages)
            trace_ids.update(*map(trace_ids_of, messages))
    stats = settle(redacting, within_s=120)
    assert (stats["spans"], stats["logs"]) == (len(spans), len(logs))
    assert len(spans) > 100_000
    assert multiset(traces_of(redacting, trace_ids)) == spans
    assert multiset(exported(redacting, runs=["all"])) == spans
    assert multiset(exported(redacting, signal="logs", runs=["all"])) == logs


NUMBERS = {
    FieldDescriptor.TYPE_DOUBLE: st.floats(),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_ENUM: st.integers(-2, 40),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SFIXED64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_FIXED64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_FIXED32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_STRING: st.text(max_size=20),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=20),
}
# Fields that no OTLP message has yet: number 100 and up, as varint and as bytes.
UNKNOWN = st.lists(st.sampled_from([b"\xa0\x06\x07", b"\xa2\x06\x03abc", b"\x82\x7d\x00"]))
DEEPEST = 9
HOLDING = {"scope_spans", "spans", "scope_logs", "log_records"}


def messages_of(descriptor, depth=0):
    """Generate messages of a type with any of its fields, and with unknown ones."""
    fields = {
        field.name: _values(field, depth)
        for field in descriptor.fields
        if field.message_type is None or depth < DEEPEST
    }
    holding = {name: fields.pop(name) for name in HOLDING & fields.keys()}
    made = GetMessageClass(descriptor)

    def build(chosen, unknown):
        message = made(**chosen)
        message.MergeFromString(b"".join(unknown))
        return message

    return st.builds(build, st.fixed_dictionaries(holding, optional=fields), UNKNOWN)


def _values(field, depth):
    inner = field.message_type
    if inner is None:
        values = NUMBERS[field.type]
    else:
        values = st.deferred(lambda: messages_of(inner, depth + 1))
    if not field.is_repeated:
        return values
    return st.lists(values, min_size=field.name in HOLDING, max_size=2)


TRACE_IDS = (number.to_bytes(16, "big") for number in itertools.count(1))


def check_back(served, data, items, path):
    """Give items one trace id of their own, send them, and compare what comes back."""
    trace_id = next(TRACE_IDS)
    for item in items:
        item.trace_id = trace_id
    call(served, data.SerializeToString(), path)
    want, found = once_each([data]), type(data)()

    def is_back():
        with api(served) as client:
            answer = client.get(
                f"/v1/traces/{trace_id.hex()}", headers={"accept": "application/x-protobuf"}
            )
        found.ParseFromString(answer.content if answer.status_code == 200 else b"")
        return sum(multiset(found).values()) >= len(want)

    if want:
        eventually_served(served, is_back)
        assert multiset(found) == want


any_of_each = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@any_of_each
@given(resources=st.lists(messages_of(ResourceSpans.DESCRIPTOR), min_size=1, max_size=2))
def test_a_span_with_any_field_comes_back_equal(served, resources):
    """Fails if a field of spans or their headers, known or unknown, is lost or changed."""
    data = TracesData(resource_spans=resources)
    spans = [s for r in data.resource_spans for scope in r.scope_spans for s in scope.spans]
    for number, span in enumerate(spans):
        span.span_id = (number // 2 + 1).to_bytes(8, "big")
        span.parent_span_id = (span.parent_span_id + bytes(8))[:8] if number % 2 else b""
    check_back(served, data, spans, "/v1/traces")


@any_of_each
@given(resources=st.lists(messages_of(ResourceLogs.DESCRIPTOR), min_size=1, max_size=2))
def test_a_log_record_with_any_field_comes_back_equal(served, resources):
    """Fails if a field of log records or their headers, known or unknown, is lost or changed."""
    data = LogsData(resource_logs=resources)
    records = [r for res in data.resource_logs for s in res.scope_logs for r in s.log_records]
    for record in records:
        record.span_id = (record.span_id + bytes(8))[:8] if record.span_id else b""
    check_back(served, data, records, "/v1/logs")
