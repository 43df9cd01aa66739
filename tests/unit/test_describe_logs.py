"""Log records: their own meaning, and what they join to their span."""

from __future__ import annotations

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData

from otel_vector.describe.describer import Describer
from otel_vector.settings.config import DescribeConfig
from otel_vector.spans.batch import Batch
from otel_vector.spans.ids import Tenant, field_key, trace_key
from otel_vector.spans.keys import SESSION
from otel_vector.spans.meanings import Facet

TRACE, SPAN = bytes(range(16)), bytes(range(8))


def record(body: str, severity: int = 9, **fields: object) -> LogRecord:
    attributes = {k: AnyValue(string_value=v) for k, v in fields.pop("attributes", {}).items()}
    return LogRecord(
        body=AnyValue(string_value=body),
        severity_number=severity,
        attributes=[KeyValue(key=k, value=v) for k, v in attributes.items()],
        **fields,
    )


def describe(*records: LogRecord) -> Batch:
    data = LogsData()
    data.resource_logs.add().scope_logs.add().log_records.extend(records)
    return Describer(DescribeConfig(), Tenant("default")).logs(data)


def test_a_record_without_a_trace_has_no_trace_key_and_joins_nothing():
    batch = describe(record("boom", 17, observed_time_unix_nano=7))
    assert (batch.traces, batch.trace_ids, batch.span_ids) == ([0], [b""], [b""])
    assert (batch.start_ns, batch.end_ns) == ([7], [7])
    assert batch.joins == []


def test_records_that_differ_in_ids_times_and_numbers_are_one_meaning():
    one = (
        "16:48:42.468 ERROR f.s.Food#302 TraceID: 49a51828322183eb20bfe4ace3060000 order 17 failed"
    )
    two = (
        "16:49:01.002 ERROR f.s.Food#302 TraceID: ac1b4270518348d5001a366c4c4a0fc2 order 18 failed"
    )
    batch = describe(record(one, 17), record(two, 17))
    assert batch.meanings[0] == batch.meanings[1]
    assert batch.texts[batch.meanings[0][0]].text == "error order <n> failed"


def test_an_error_record_joins_its_span_and_an_info_record_does_not():
    ids = {"trace_id": TRACE, "span_id": SPAN}
    batch = describe(record("card 4242 declined", 17, **ids), record("all well", 9, **ids))
    assert batch.traces == [trace_key(TRACE)] * 2
    (join,) = batch.joins
    assert (join.trace_id, join.span_id) == (TRACE, SPAN)
    assert [(batch.texts[i].facet, batch.texts[i].text) for i in join.meanings] == [
        (Facet.ERROR, "card <n> declined")
    ]


def test_an_evaluation_joins_nothing_and_keeps_its_keys():
    batch = describe(
        record(
            "", event_name="gen_ai.evaluation.result", trace_id=TRACE, span_id=SPAN,
            attributes={"gen_ai.conversation.id": "c-1", "gen_ai.evaluation.explanation": "fine"},
        )
    )  # fmt: skip
    assert batch.joins == []
    assert batch.keys == [(field_key(SESSION, "c-1"),)]


def test_a_huge_name_of_an_event_or_exception_makes_no_huge_text():
    thrown = {"exception.type": "E" * 100_000}
    batch = describe(record("x", event_name="e" * 100_000), record("x", attributes=thrown))
    assert max(len(text.text) for text in batch.texts.values()) < 5_000
