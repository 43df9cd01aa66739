"""What holds for any span: describing is pure, never raises, loses nothing."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status, TracesData

from otel_vector.describe.describer import Describer
from otel_vector.settings.config import DescribeConfig
from otel_vector.spans.batch import assemble
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Facet

KEYS = st.sampled_from([
    "input.value", "output.value", "gen_ai.input.messages", "gen_ai.output.messages", "session.id",
    "llm.input_messages.0.message.content", "llm.input_messages.0.message", "llm.input_messages.x",
    "db.query.text", "http.route", "url.full", "error.type", "exception.message", "vectorwave.a",
    "events", "prompt", "gen_ai.prompt.0.content", "retrieval.documents.1.document.content",
    "otel_vector.run.kind", "gen_ai.tool.name", "gen_ai.tool.call.arguments", "service.name",
]) | st.text(max_size=8)  # fmt: skip
JSON = st.sampled_from([
    '[{"role":"user","content":"hi"}]', '{"messages":[{"role":"tool","content":null}]}', "[1,2", '"x"',
    '[{"type":"tool_call","name":1,"arguments":[[]]}]', '{"type":"text","value":{"a":{}}}', "[]", "{}",
    '{"lc":1,"id":[],"kwargs":{"content":[{"type":"blob","content":5}]}}', '{"content":{"content":"[0"}}',
    '[{"role":{},"type":[],"tool_calls":[{"function":"f"}],"toolResult":1,"reasoning":{"text":2}}]',
])  # fmt: skip
VALUES = st.recursive(
    st.builds(AnyValue)
    | st.builds(AnyValue, string_value=st.text(max_size=40) | JSON)
    | st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1))
    | st.builds(AnyValue, double_value=st.floats())
    | st.builds(AnyValue, bool_value=st.booleans())
    | st.builds(AnyValue, bytes_value=st.binary(max_size=20)),
    lambda inner: (
        st.builds(
            lambda values: AnyValue(array_value=ArrayValue(values=values)),
            st.lists(inner, max_size=3),
        )
        | st.builds(
            lambda items: AnyValue(
                kvlist_value=KeyValueList(values=[KeyValue(key=k, value=v) for k, v in items])
            ),
            st.lists(
                st.tuples(KEYS | st.sampled_from(["role", "content", "type", "parts"]), inner),
                max_size=3,
            ),
        )
    ),
    max_leaves=6,
)
ATTRIBUTES = st.lists(st.builds(KeyValue, key=KEYS, value=VALUES), max_size=6)
TIMES = st.integers(0, 2**64 - 1)
EVENTS = st.builds(
    Span.Event,
    name=st.sampled_from(["exception", "gen_ai.user.message", "gen_ai.choice", "x"]),
    attributes=ATTRIBUTES,
)
SPANS = st.builds(
    Span,
    trace_id=st.binary(min_size=16, max_size=16),
    span_id=st.binary(min_size=8, max_size=8),
    name=st.text(max_size=30),
    kind=st.integers(-(2**31), 2**31 - 1),
    start_time_unix_nano=TIMES,
    end_time_unix_nano=TIMES,
    attributes=ATTRIBUTES,
    events=st.lists(EVENTS, max_size=2),
    links=st.lists(st.builds(Span.Link, trace_id=st.binary(max_size=16)), max_size=2),
    status=st.builds(Status, code=st.integers(0, 2), message=st.text(max_size=20)),
    trace_state=st.sampled_from(["", "ov=test", "ov=,=", "x"]),
    flags=st.integers(0, 2**32 - 1),
)
RECORDS = st.builds(
    LogRecord,
    trace_id=st.binary(min_size=16, max_size=16) | st.just(b""),
    span_id=st.binary(min_size=8, max_size=8) | st.just(b""),
    time_unix_nano=TIMES,
    severity_number=st.integers(-5, 40),
    event_name=st.sampled_from(
        ["", "gen_ai.user.message", "gen_ai.choice", "gen_ai.evaluation.result"]
    ),
    body=VALUES,
    attributes=ATTRIBUTES,
)
FAST = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def traces(spans: list[Span]) -> TracesData:
    data = TracesData()
    part = data.resource_spans.add(schema_url="https://example.org/1")
    part.scope_spans.add(schema_url="https://example.org/2").spans.extend(spans)
    return data


def logs(records: list[LogRecord]) -> LogsData:
    data = LogsData()
    data.resource_logs.add().scope_logs.add().log_records.extend(records)
    return data


def describer(tenant: str = "default") -> Describer:
    return Describer(DescribeConfig(index_attributes=("http.route",)), Tenant(tenant))


@FAST
@given(st.lists(SPANS, min_size=1, max_size=4))
def test_any_span_is_described_alike_each_time_and_comes_back_equal(spans):
    used = describer()
    used.traces(traces(list(reversed(spans))))
    first, again = used.traces(traces(spans)), describer().traces(traces(spans))
    assert first == again
    assert TracesData.FromString(assemble(first, range(len(spans)))) == traces(spans)
    for ids in first.meanings:
        assert [first.texts[i].facet for i in ids].count(Facet.OPERATION) == 1
        assert all(
            first.texts[i].text.strip() or first.texts[i].facet is Facet.OPERATION for i in ids
        )


@FAST
@given(st.lists(RECORDS, min_size=1, max_size=4))
def test_any_log_record_is_described_alike_each_time_and_comes_back_equal(records):
    first, again = describer().logs(logs(records)), describer().logs(logs(records))
    assert first == again
    assert LogsData.FromString(assemble(first, range(len(records)))) == logs(records)
    assert all(i in first.texts for join in first.joins for i in join.meanings)


@FAST
@given(
    SPANS,
    st.sampled_from(["name", "kind", "start_time_unix_nano", "flags", "trace_id", "trace_state"]),
)
def test_the_id_changes_with_every_field(span, field):
    changed = Span()
    changed.CopyFrom(span)
    value = getattr(span, field)
    setattr(changed, field, value + 1 if isinstance(value, int) and value < 9 else type(value)())
    same = changed == span
    ids = describer().traces(traces([span, changed])).ids
    assert (ids[0] == ids[1]) is same


def test_the_id_depends_on_tenant_scope_and_resource():
    span = Span(trace_id=b"t" * 16, span_id=b"s" * 8)
    other = traces([span])
    other.resource_spans[0].scope_spans[0].scope.name = "x"
    found = {
        describer().traces(traces([span])).ids[0],
        describer("other").traces(traces([span])).ids[0],
        describer().traces(other).ids[0],
    }
    assert len(found) == 3
