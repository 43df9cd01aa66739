"""Spans: columns, operations, keys and errors as the store gets them."""

from __future__ import annotations

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status, TracesData

from otel_vector.describe.describer import Describer
from otel_vector.settings.config import DescribeConfig
from otel_vector.spans.batch import Batch, assemble
from otel_vector.spans.durations import bucket_of
from otel_vector.spans.ids import Tenant, field_key, trace_key
from otel_vector.spans.keys import (
    ERROR_CODE,
    LINK,
    MODEL,
    SESSION,
    STATUS_ERROR,
    attribute_field,
    keys_equal_to,
    value_field,
)
from otel_vector.spans.meanings import Facet, RunKind

TRACE, SPAN = bytes(range(16)), bytes(range(8))


def text(value: str) -> AnyValue:
    return AnyValue(string_value=value)


def pairs(values: dict[str, object]) -> list[KeyValue]:
    def typed(value: object) -> AnyValue:
        if isinstance(value, AnyValue):
            return value
        if isinstance(value, bool):
            return AnyValue(bool_value=value)
        if isinstance(value, int):
            return AnyValue(int_value=value)
        return AnyValue(double_value=value) if isinstance(value, float) else text(str(value))

    return [KeyValue(key=key, value=typed(value)) for key, value in values.items()]


def span(name: str = "GET /cart", kind: int = 2, **fields: object) -> Span:
    attributes = pairs(fields.pop("attributes", {}))
    return Span(
        trace_id=TRACE, span_id=SPAN, name=name, kind=kind, attributes=attributes,
        start_time_unix_nano=1_000, end_time_unix_nano=5_000, **fields,
    )  # fmt: skip


def data(
    *spans: Span, service: str = "cart", resource: dict[str, object] | None = None
) -> TracesData:
    made = TracesData()
    part = made.resource_spans.add()
    part.resource.attributes.extend(pairs({"service.name": service} | (resource or {})))
    part.scope_spans.add().spans.extend(spans)
    return made


def describe(*spans: Span, config: DescribeConfig | None = None, **more: object) -> Batch:
    return Describer(config or DescribeConfig(), Tenant("default")).traces(data(*spans, **more))


def texts_of(batch: Batch, facet: Facet, row: int = 0) -> list[str]:
    return [batch.texts[i].text for i in batch.meanings[row] if batch.texts[i].facet is facet]


def operation(batch: Batch, row: int = 0):
    return batch.texts[batch.meanings[row][0]]


def test_a_span_fills_every_column():
    batch = describe(span())
    assert (batch.trace_ids, batch.span_ids) == ([TRACE], [SPAN])
    assert (batch.start_ns, batch.end_ns) == ([1_000], [5_000])
    assert batch.traces == [trace_key(TRACE)]
    assert batch.buckets == [bucket_of(4_000)]
    assert batch.runs == [RunKind.LIVE]
    assert batch.keys == [()]
    assert len(batch.ids[0]) == 32


def test_the_rows_of_a_batch_assemble_to_what_came_in():
    expected = data(span(), span("b", attributes={"x": 1}))
    batch = describe(span(), span("b", attributes={"x": 1}))
    assert TracesData.FromString(assemble(batch, range(2))) == expected


def test_unknown_fields_of_span_scope_and_resource_survive():
    unknown = b"\xfa\x07\x03abc"  # field 127
    sent = data(Span.FromString(span().SerializeToString() + unknown))
    sent.resource_spans[0].MergeFromString(unknown)
    sent.resource_spans[0].scope_spans[0].MergeFromString(unknown)
    expected = sent.SerializeToString(deterministic=True)
    batch = Describer(DescribeConfig(), Tenant("default")).traces(sent)
    assert TracesData.FromString(assemble(batch, [0])) == TracesData.FromString(expected)
    assert assemble(batch, [0]).count(unknown) == 3


def test_equal_headers_of_one_batch_are_one_group():
    twice = data(span())
    twice.MergeFrom(data(span("b")))
    batch = Describer(DescribeConfig(), Tenant("default")).traces(twice)
    assert (len(batch.groups), batch.group) == (1, [0, 0])


def test_an_operation_names_service_words_and_kind():
    batch = describe(span("hipstershop.CartService/GetUserCart"), service="ts-cart-service")
    found = operation(batch)
    assert found.text == "cart: get user (server)"
    assert (found.service, found.kind) == ("ts-cart-service", 2)
    assert (found.name, found.name_masked) == ("hipstershop.CartService/GetUserCart", False)


def test_names_that_differ_in_ids_are_one_operation():
    batch = describe(span("GET /users/17"), span("GET /users/18"), span("GET /users/{id}"))
    assert batch.meanings[0] == batch.meanings[1]
    assert (operation(batch).name, operation(batch).name_masked) == ("GET /users/{id}", True)
    assert operation(batch, 2).id != operation(batch).id


@pytest.mark.parametrize("change", [{"service": "Cart"}, {"kind": 3}, {"name": "get /cart"}])
def test_operations_that_read_alike_stay_apart(change):
    service = change.pop("service", "cart")
    assert (
        operation(describe(span(**change), service=service)).id != operation(describe(span())).id
    )


def test_every_span_points_at_exactly_one_operation():
    spans = [
        span(""),
        span("/*"),
        span("x" * 100_000),
        span("주문 생성", attributes={"input.value": "y"}),
    ]
    batch = describe(*spans, config=DescribeConfig(max_texts_per_operation=1))
    for row in range(len(spans)):
        facets = [batch.texts[i].facet for i in batch.meanings[row]]
        assert facets.count(Facet.OPERATION) == 1
        assert facets[0] is Facet.OPERATION


def test_statements_route_and_destination_add_words_without_literals():
    batch = describe(
        span("shop", 3, attributes={"db.query.text": "SELECT total FROM orders WHERE id = 8837"})
    )
    assert operation(batch).text == "cart: shop select total orders id (client)"


def test_an_error_is_type_and_masked_message():
    event = Span.Event(
        name="exception",
        attributes=pairs(
            {"exception.type": "CardError", "exception.message": "card 4242 declined"}
        ),
    )
    batch = describe(span(events=[event], status=Status(code=2, message="CardError")))
    assert texts_of(batch, Facet.ERROR) == ["CardError: card <n> declined"]
    assert set(batch.keys[0]) == {STATUS_ERROR, field_key(ERROR_CODE, "CardError")}


def test_a_failed_span_without_words_is_told_by_its_status_code():
    batch = describe(span(status=Status(code=2), attributes={"http.response.status_code": 503}))
    assert texts_of(batch, Facet.ERROR) == ["http status 503"]


def test_session_model_and_links_are_keys():
    other = bytes([7] * 16)
    batch = describe(
        span(
            attributes={"session.id": "s-1", "gen_ai.request.model": "gpt-4o"},
            links=[Span.Link(trace_id=other, span_id=SPAN)],
        )
    )
    assert set(batch.keys[0]) == {
        field_key(SESSION, "s-1"),
        field_key(MODEL, "gpt-4o"),
        field_key(LINK, other.hex()),
    }


@pytest.mark.parametrize(
    ("stored", "asked", "equal"),
    [
        (500, "500", True), (500.0, "500", True), (500, "5e2", True), (text("500"), "500", True),
        (text("500.0"), "500", False), (501, "500", False), (True, "true", True), (1, "true", False),
    ],
)  # fmt: skip
def test_a_configured_attribute_is_keyed_by_equality(stored, asked, equal):
    config = DescribeConfig(index_attributes=("http.status_code",))
    batch = describe(span(attributes={"http.response.status_code": stored}), config=config)
    keys = keys_equal_to(attribute_field("http.status_code"), asked)
    assert bool(set(keys) & set(batch.keys[0])) is equal


def test_a_configured_attribute_is_keyed_wherever_it_stands():
    config = DescribeConfig(index_attributes=("tier",))
    event = Span.Event(name="note", attributes=pairs({"tier": "event"}))
    link = Span.Link(trace_id=TRACE, span_id=SPAN, attributes=pairs({"tier": "link"}))
    batch = describe(
        span(events=[event], links=[link]), config=config, resource={"tier": "resource"}
    )
    for value in ("event", "link", "resource"):
        assert field_key(attribute_field("tier"), value) in batch.keys[0]


def test_the_run_kind_is_read_from_attribute_or_trace_state():
    batch = describe(
        span(attributes={"otel_vector.run.kind": "replay"}),
        span(trace_state="a=b,ov=eval"),
        span(),
    )
    assert batch.runs == [RunKind.REPLAY, RunKind.EVAL, RunKind.LIVE]


def test_a_facet_keeps_a_hash_of_its_whole_value_however_json_was_spelled():
    one = describe(span(attributes={"input.value": '{"a": 1, "b": [2]}'}))
    two = describe(span(attributes={"input.value": '{"b":[2],"a":1}'}))
    other = describe(span(attributes={"input.value": '{"b":[2],"a":3}'}))
    assert one.keys == two.keys != other.keys
    assert len(one.keys[0]) == 1
    assert value_field("input") == "input.value"


def test_a_redacted_value_enters_the_hash_and_no_text():
    marked = "token [redacted:aws-key:00112233445566ff] used"
    batch = describe(span(marked, attributes={"input.value": marked}))
    other = describe(span(marked, attributes={"input.value": marked.replace("00", "11")}))
    assert texts_of(batch, Facet.INPUT) == ["token [redacted:aws-key] used"]
    assert "00112233445566ff" not in "".join(m.text + m.name for m in batch.texts.values())
    assert batch.keys != other.keys


def test_long_content_becomes_passages_in_order_up_to_a_bound():
    words = " ".join(f"word{n}" for n in range(1_000))
    config = DescribeConfig(passage_chars=200, max_passages=3)
    passages = texts_of(
        describe(span(attributes={"input.value": words}), config=config), Facet.INPUT
    )
    assert len(passages) == 3
    assert words.startswith(" ".join(passages))
    assert all(len(passage) <= 200 for passage in passages)


def test_binary_content_is_named_and_not_copied():
    url = "data:image/png;base64," + "iVBORw0KGgo" * 400
    batch = describe(span(attributes={"input.value": f"look: {url}"}))
    assert texts_of(batch, Facet.INPUT) == ["look: [image/png, 3 KB]"]


def test_the_cap_on_texts_of_an_operation_counts_what_it_skips():
    describer = Describer(DescribeConfig(max_texts_per_operation=2), Tenant("default"))
    batch = describer.traces(
        data(*(span(attributes={"input.value": f"text {n}"}) for n in range(5)))
    )
    assert sum(m.facet is Facet.INPUT for m in batch.texts.values()) == 2
    assert describer.skipped == {Facet.INPUT: 3}


@pytest.mark.parametrize(
    "value",
    [
        "[" * 200 + "]" * 200,
        '{"a":' * 200 + "1" + "}" * 200,
        '[{"role":"user","content":' * 90 + '"x"' + "}]" * 90,
        '{"messages":' + "[" * 5_000,
        "x" * 1_000_000,
        '{"content": "' + "y" * 500_000,
        "\x00\ufffd",
    ],
)
def test_deep_and_huge_content_is_described_in_bounds(value):
    batch = describe(span(attributes={"input.value": value, "gen_ai.output.messages": value}))
    assert len(batch) == 1
    assert sum(len(m.text) for m in batch.texts.values()) < 50_000


def test_an_attribute_flood_is_described():
    flood = {f"llm.input_messages.{n}.message.content": f"m{n}" for n in range(10_000)}
    batch = describe(span(attributes=flood))
    assert 0 < len(texts_of(batch, Facet.INPUT)) <= DescribeConfig().max_passages


def test_what_senders_name_is_remembered_in_bounds(monkeypatch):
    """Names of services, keys and operations are the sender's: each can be new, each a megabyte."""
    monkeypatch.setattr("otel_vector.describe.describer._MOST_SERVICES", 10)
    describer = Describer(DescribeConfig(), Tenant("default"))
    for number in range(50):
        described = describer.traces(data(span(), service=f"service-{number}"))
        assert described.meanings
    assert len(describer._operations) <= 10
    huge = span(attributes={"k" * 1000: "v", "db.statement": "s" * 20_000}, kind=3)
    repeated = span(kind=3)
    repeated.attributes.extend(
        KeyValue(key="db.statement", value=text("s" * 2_000)) for _ in "12345"
    )
    batch = describer.traces(data(huge, repeated, service="s" * 100_000))
    describer.traces(data(repeated, service="known"))
    assert not describer._operations["known"]
    assert len(batch.meanings) == 2
    assert max(len(meaning.text) for meaning in batch.texts.values()) < 10_000
    assert not [name for name in describer._operations if len(name) > 2_000]
    assert not [name for name in describer._roles if len(name) > 256]
