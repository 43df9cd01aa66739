"""OTLP JSON: what is written comes back, and what is not OTLP JSON is refused with a reason."""

import json
import math

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from otel_vector.decode.messages import (
    JSON,
    PROTOBUF,
    logs_from_json,
    traces_from,
    traces_from_json,
)
from otel_vector.errors import MalformedError
from otel_vector.spans.otlp_json import json_object, logs_to_json, traces_to_json

NAMES = [
    *("resourceSpans", "scopeSpans", "spans", "resource", "attributes", "key", "value", "kind"),
    *("traceId", "arrayValue", "kvlistValue", "values", "intValue", "bytesValue", "doubleValue"),
    *("status", "startTimeUnixNano"),
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
INT64 = st.integers(-(2**63), 2**63 - 1)
UINT64 = st.integers(0, 2**64 - 1)
UINT32 = st.integers(0, 2**32 - 1)
VALUES = st.recursive(
    st.one_of(
        st.just(AnyValue()),
        st.builds(AnyValue, string_value=TEXT),
        st.builds(AnyValue, bool_value=st.booleans()),
        st.builds(AnyValue, int_value=INT64),
        st.builds(AnyValue, double_value=st.floats(allow_nan=False)),
        st.builds(AnyValue, bytes_value=st.binary(max_size=9)),
    ),
    lambda inner: st.one_of(
        st.builds(
            lambda values: AnyValue(array_value=ArrayValue(values=values)),
            st.lists(inner, max_size=3),
        ),
        st.builds(
            lambda pairs: AnyValue(
                kvlist_value=KeyValueList(values=[KeyValue(key=k, value=v) for k, v in pairs])
            ),
            st.lists(st.tuples(TEXT, inner), max_size=3),
        ),
    ),
    max_leaves=6,
)
ATTRIBUTES = st.lists(st.builds(KeyValue, key=TEXT, value=VALUES), max_size=4)
EVENTS = st.builds(
    Span.Event,
    time_unix_nano=UINT64,
    name=TEXT,
    attributes=ATTRIBUTES,
    dropped_attributes_count=UINT32,
)
LINKS = st.builds(
    Span.Link,
    trace_id=st.binary(max_size=16),
    span_id=st.binary(max_size=8),
    trace_state=TEXT,
    attributes=ATTRIBUTES,
    dropped_attributes_count=UINT32,
    flags=UINT32,
)
SPANS = st.builds(
    Span,
    trace_id=st.binary(min_size=16, max_size=16),
    span_id=st.binary(min_size=8, max_size=8),
    parent_span_id=st.binary(max_size=8),
    trace_state=TEXT,
    flags=UINT32,
    name=TEXT,
    kind=st.integers(0, 99),
    start_time_unix_nano=UINT64,
    end_time_unix_nano=UINT64,
    attributes=ATTRIBUTES,
    dropped_attributes_count=UINT32,
    events=st.lists(EVENTS, max_size=2),
    links=st.lists(LINKS, max_size=2),
    dropped_events_count=UINT32,
    dropped_links_count=UINT32,
)


def one_span(span):
    data = TracesData()
    resource = data.resource_spans.add(schema_url="resource")
    resource.scope_spans.add(schema_url="scope").spans.append(span)
    return data


def span_json(**fields):
    return {"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}


def read_span(**fields):
    data = traces_from_json(orjson.dumps(span_json(**fields)))
    return data.resource_spans[0].scope_spans[0].spans[0]


def read_value(value):
    return read_span(attributes=[{"key": "a", "value": value}]).attributes[0].value


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SPANS)
def test_spans_come_back_equal(span):
    data = one_span(span)
    assert traces_from_json(traces_to_json(data)) == data


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES, ATTRIBUTES, st.binary(max_size=16), UINT64)
def test_log_records_come_back_equal(body, attributes, trace_id, time):
    data = LogsData()
    record = data.resource_logs.add().scope_logs.add().log_records.add()
    record.body.CopyFrom(body)
    record.attributes.extend(attributes)
    record.trace_id, record.time_unix_nano, record.event_name = trace_id, time, "e"
    assert logs_from_json(logs_to_json(data)) == data


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.one_of(
                    st.sampled_from(NAMES),
                    TEXT,
                ),
                inner,
                max_size=3,
            ),
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused(value):
    try:
        body = orjson.dumps(value)
    except TypeError:
        return
    try:
        data = traces_from(body, JSON)
    except MalformedError:
        return
    assert traces_from(data.SerializeToString(), PROTOBUF) == data


def test_writes_what_the_specification_asks_for():
    span = Span(
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        name="GET",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=1_544_712_660_000_000_000,
        dropped_events_count=3,
        attributes=[
            KeyValue(key="i", value=AnyValue(int_value=-7)),
            KeyValue(key="b", value=AnyValue(bytes_value=b"\xff\xfe")),
            KeyValue(key="d", value=AnyValue(double_value=math.inf)),
            KeyValue(key="e", value=AnyValue(string_value="")),
        ],
    )
    span.status.code = 2
    assert json_object(span) == {
        "traceId": "000102030405060708090a0b0c0d0e0f",
        "spanId": "0001020304050607",
        "name": "GET",
        "kind": 2,
        "startTimeUnixNano": "1544712660000000000",
        "droppedEventsCount": 3,
        "attributes": [
            {"key": "i", "value": {"intValue": "-7"}},
            {"key": "b", "value": {"bytesValue": "//4="}},
            {"key": "d", "value": {"doubleValue": "Infinity"}},
            {"key": "e", "value": {"stringValue": ""}},
        ],
        "status": {"code": 2},
    }


def test_ids_are_hex_in_either_case():
    assert read_span(traceId="0aB1" * 8).trace_id == bytes.fromhex("0ab1" * 8)


def test_ids_of_a_wrong_length_are_left_to_validation():
    assert read_span(traceId="ab" * 15).trace_id == b"\xab" * 15


@pytest.mark.parametrize("value", ["7", 7, 7.0])
def test_integers_may_be_strings_or_numbers(value):
    assert read_value({"intValue": value}).int_value == 7
    assert read_span(startTimeUnixNano=value).start_time_unix_nano == 7


def test_the_largest_times_are_times():
    assert read_span(endTimeUnixNano=str(2**64 - 1)).end_time_unix_nano == 2**64 - 1
    assert read_span(endTimeUnixNano=2**64 - 1).end_time_unix_nano == 2**64 - 1


def test_doubles_may_be_named():
    assert math.isnan(read_value({"doubleValue": "NaN"}).double_value)
    assert read_value({"doubleValue": "-Infinity"}).double_value == -math.inf
    assert read_value({"doubleValue": 3}).double_value == 3.0


@pytest.mark.parametrize("text", ["//4=", "//4", "__4=", "__4"])
def test_bytes_are_base64_of_either_alphabet(text):
    assert read_value({"bytesValue": text}).bytes_value == b"\xff\xfe"


def test_unknown_fields_and_snake_case_and_nulls_are_ignored():
    span = read_span(name="n", fromTheFuture={"a": [1]}, trace_state="x", traceState=None)
    assert (span.name, span.trace_state) == ("n", "")


def test_empty_values_keep_that_they_were_there():
    assert read_value({"arrayValue": {}}).HasField("array_value")
    assert read_value({}).WhichOneof("value") is None


def test_nul_is_text_like_any_other():
    assert read_span(name="a\x00b").name == "a\x00b"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"kind": "SPAN_KIND_SERVER"}, "Span.kind .* no enum names"),
        ({"traceId": "W47/95A"}, "Span.traceId .* must be hex"),
        ({"traceId": "abc"}, "must be hex"),
        ({"traceId": 7}, "must be a string"),
        ({"name": ["a"]}, "Span.name .* must be a string, not a list"),
        ({"attributes": {"a": 1}}, "Span.attributes .* must be a list, not an object"),
        ({"attributes": [1]}, "KeyValue must be an object"),
        ({"attributes": [None]}, "KeyValue must be an object, not null"),
        ({"startTimeUnixNano": "soon"}, "Span.startTimeUnixNano .* integer"),
        ({"startTimeUnixNano": "-1"}, "Span.startTimeUnixNano"),
        ({"startTimeUnixNano": str(2**64)}, "Span.startTimeUnixNano"),
        ({"startTimeUnixNano": 1.5}, "integer"),
        ({"startTimeUnixNano": True}, "integer"),
        ({"flags": 2**32}, "Span.flags"),
        ({"status": "ok"}, "Status must be an object"),
        ({"attributes": [{"key": "a", "value": {"boolValue": "true"}}]}, "true or false"),
        ({"attributes": [{"key": "a", "value": {"doubleValue": "much"}}]}, "AnyValue.doubleValue"),
        ({"attributes": [{"key": "a", "value": {"doubleValue": []}}]}, "a number"),
        ({"attributes": [{"key": "a", "value": {"bytesValue": "*"}}]}, "AnyValue.bytesValue"),
    ],
)
def test_a_wrong_shape_is_refused_and_named(fields, reason):
    with pytest.raises(MalformedError, match=reason):
        read_span(**fields)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"null", b"\xff", b'{"resourceSpans":[{"x":"\\ud800"}]}']
)
def test_what_is_no_json_object_is_refused(body):
    with pytest.raises(MalformedError):
        traces_from_json(body)


def nested(levels, wrap):
    value = {"stringValue": "deep"}
    for _ in range(levels):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: {"arrayValue": {"values": [inner]}},
        lambda inner: {"kvlistValue": {"values": [{"key": "k", "value": inner}]}},
    ],
)
def test_json_may_be_nested_as_deep_as_protobuf_and_no_deeper(wrap):
    deepest = 0
    for levels in range(60):
        body = orjson.dumps(span_json(attributes=[{"key": "a", "value": nested(levels, wrap)}]))
        try:
            data = traces_from(body, JSON)
        except MalformedError as error:
            assert "nested deeper" in str(error)
            break
        assert traces_from(data.SerializeToString(), PROTOBUF) == data
        deepest = levels
    assert deepest >= 25
    deep = span_json(attributes=[{"key": "a", "value": nested(200, wrap)}])
    with pytest.raises(MalformedError, match="nested deeper"):
        traces_from_json(json.dumps(deep))


def test_a_refusal_quotes_little_of_what_was_sent():
    value = {"doubleValue": "secret" * 100_000}
    span = {"attributes": [{"key": "a", "value": value}]}
    with pytest.raises(MalformedError, match="must be a number") as refused:
        traces_from_json({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    assert len(str(refused.value)) < 1_000
