"""Traces, meanings, likes, catalog, statistics, following and export."""

from __future__ import annotations

import math
from dataclasses import dataclass

import orjson
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from support.world import DECLINED, TIMEOUT, World, at, shop

from otel_vector.errors import InvalidQueryError, NotFoundError
from otel_vector.services.catalog import SAMPLE
from otel_vector.services.detail import detail_json
from otel_vector.services.exporting import PAGE
from otel_vector.services.query import parse_filter
from otel_vector.services.search import Restriction
from otel_vector.services.shapes import stats_json, trace_json
from otel_vector.services.similar import SimilarQuestion
from otel_vector.services.stats import Observed
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import SpanId, Tenant, meaning_hex
from otel_vector.spans.items import traces_data
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.testing.builders import (
    TENANT,
    Event,
    Link,
    LogRow,
    SpanRow,
    item_of,
    meaning_of,
    trace_bytes,
)


@pytest.fixture(scope="module")
def world() -> World:
    return shop()


def hex_of(trace: int) -> str:
    return trace_bytes(trace).hex()


# traces


def test_a_trace_is_a_tree_in_the_order_of_a_waterfall():
    world = World()
    world.write(
        [
            SpanRow(name="late child", trace=9, span=4, parent=1, start_ns=at(3)),
            SpanRow(name="grandchild", trace=9, span=3, parent=2, start_ns=at(2)),
            SpanRow(name="child", trace=9, span=2, parent=1, start_ns=at(1)),
            SpanRow(name="root", trace=9, span=1, start_ns=at(0), duration_ns=10**10),
            SpanRow(name="orphan", trace=9, span=5, parent=99, start_ns=at(4), status=2),
        ]
    )
    world.write([LogRow(body="hello", trace=9, span=3, start_ns=at(2))])

    shown = trace_json(world.services.traces.trace(TENANT, hex_of(9)))

    assert [(s["name"], s["depth"], s["orphan"]) for s in shown["spans"]] == [
        ("root", 0, False),
        ("child", 1, False),
        ("grandchild", 2, False),
        ("late child", 1, False),
        ("orphan", 0, True),
    ]
    assert shown["spans"][1]["offset_nano"] == "1000000000"
    assert (shown["span_count"], shown["errors"], shown["duration_nano"]) == (5, 1, str(10**10))
    assert [log["body"] for log in shown["logs"]] == ["hello"]


def test_rings_and_shared_span_ids_lose_no_span():
    world = World()
    world.write(
        [
            SpanRow(name="own parent", trace=9, span=1, parent=1, start_ns=at(0)),
            SpanRow(name="ring a", trace=9, span=2, parent=3, start_ns=at(1)),
            SpanRow(name="ring b", trace=9, span=3, parent=2, start_ns=at(2)),
            SpanRow(name="twin", trace=9, span=4, start_ns=at(3)),
            SpanRow(name="other twin", trace=9, span=4, start_ns=at(4)),
            SpanRow(name="below twins", trace=9, span=5, parent=4, start_ns=at(5)),
        ]
    )
    rows = world.services.traces.trace(TENANT, hex_of(9)).rows
    assert sorted(row.item.name for row in rows) == sorted(
        ["own parent", "ring a", "ring b", "twin", "other twin", "below twins"]
    )
    assert len(world.services.traces.spans(TENANT, hex_of(9), f"{4:016x}")) == 2


def test_a_trace_a_thousand_levels_deep_is_shown():
    world = World()
    world.write(
        [
            SpanRow(name=f"n{n}", trace=9, span=n, parent=n - 1, start_ns=at(n))
            for n in range(1, 1500)
        ]
    )
    rows = world.services.traces.trace(TENANT, hex_of(9)).rows
    assert [row.depth for row in rows] == list(range(1499))


def test_a_trace_of_log_records_alone_is_shown():
    world = World()
    world.write([LogRow(body="alone", trace=9, span=3)])
    shown = trace_json(world.services.traces.trace(TENANT, hex_of(9)))
    assert (shown["spans"], len(shown["logs"])) == ([], 1)


def test_ids_that_are_none_and_ids_of_nothing_are_told_apart(world):
    traces = world.services.traces
    for ask in (
        lambda: traces.trace(TENANT, "abc"),
        lambda: traces.trace(TENANT, "g" * 32),
        lambda: traces.span(TENANT, "0" * 31),
        lambda: traces.spans(TENANT, hex_of(1), "xyz"),
        lambda: world.services.meanings.meaning(TENANT, "f" * 16),
    ):
        with pytest.raises(InvalidQueryError, match="hex digits"):
            ask()
    for ask in (
        lambda: traces.trace(TENANT, hex_of(999)),
        lambda: traces.trace(Tenant("other"), hex_of(1)),
        lambda: traces.span(TENANT, "0" * 32),
        lambda: traces.spans(TENANT, hex_of(1), f"{999:016x}"),
        lambda: world.services.meanings.meaning(TENANT, "0" * 16),
        lambda: world.services.similar.answer(TENANT, SimilarQuestion(span=SpanId("0" * 32))),
    ):
        with pytest.raises(NotFoundError, match="there is no"):
            ask()


def test_the_detail_of_a_span_holds_everything_it_has():
    world = World()
    row = SpanRow(
        name="call",
        attributes={
            "text": "a\x00b",
            "many": [1, True, None, {"deep": [b"\xff"]}],
            "big": 2**63 - 1,
            "nan": math.nan,
            "inf": -math.inf,
            "raw": b"\x00\xff",
            "nothing": None,
        },
        events=(Event("boom", {"at": 1.5}),),
        links=(Link(7, 8, {"why": "retry"}),),
        scope_attributes={"s": "t"},
        resource={"host": "h"},
        status=2,
        status_message="broken",
        trace_state="a=b",
        means=(DECLINED,),
    )
    [span] = world.write([row])

    shown = orjson.loads(orjson.dumps(detail_json(world.services.traces.span(TENANT, span))))

    values = {a["key"]: a["value"] for a in shown["attributes"]}
    assert values["text"] == {"stringValue": "a\x00b"}
    assert values["big"] == {"intValue": "9223372036854775807"}
    assert values["nan"] == {"doubleValue": "NaN"}
    assert values["inf"] == {"doubleValue": "-Infinity"}
    assert values["raw"] == {"bytesValue": "AP8="}
    assert values["nothing"] == {}
    many = values["many"]["arrayValue"]["values"]
    assert many[:3] == [{"intValue": "1"}, {"boolValue": True}, {}]
    assert shown["events"][0]["attributes"] == [{"key": "at", "value": {"doubleValue": 1.5}}]
    assert shown["links"][0]["trace_id"] == hex_of(7)
    assert {"key": "host", "value": {"stringValue": "h"}} in shown["resource"]["attributes"]
    assert shown["scope"]["attributes"] == [{"key": "s", "value": {"stringValue": "t"}}]
    assert (shown["status"], shown["status_message"], shown["trace_state"]) == (
        "error",
        "broken",
        "a=b",
    )
    assert [m["facet"] for m in shown["meanings"]] == ["operation", "error"]
    assert shown["meanings"][1]["text"] == DECLINED[1]


def test_a_log_record_is_found_by_its_id_too():
    world = World()
    [log] = world.write([LogRow(body={"a": [1]}, severity=17, trace=1, span=1)])
    shown = detail_json(world.services.traces.span(TENANT, log))
    assert (shown["signal"], shown["severity"]) == ("logs", "ERROR")
    assert shown["body"]["kvlistValue"]["values"][0]["key"] == "a"


# meanings


def test_a_meaning_is_shown_with_what_points_at_it(world):
    known = world.services.meanings.meaning(TENANT, meaning_hex(meaning_of(DECLINED).id))
    assert (known.meaning.text, known.pending) == (DECLINED[1], False)
    assert (known.pointing.spans.count, known.pointing.services) == (2, ("payment",))


def test_a_meaning_without_a_vector_is_pending():
    world = World()
    world.write([SpanRow(means=(DECLINED,))], embed=False)
    known = world.services.meanings.meaning(TENANT, meaning_hex(meaning_of(DECLINED).id))
    assert known.pending


def test_the_spans_of_a_meaning_are_listed_page_by_page(world):
    meanings, wanted = world.services.meanings, meaning_hex(meaning_of(DECLINED).id)
    first = meanings.pointing_at(TENANT, wanted, 1, "", Restriction())
    second = meanings.pointing_at(TENANT, wanted, 1, first.next, Restriction())
    assert [f.item.start_ns for f in (*first.items, *second.items)] == [at(23), at(21)]
    assert second.next is None
    narrowed = Restriction(parse_filter("amount>20"))
    assert len(meanings.pointing_at(TENANT, wanted, 9, "", narrowed).items) == 1
    with pytest.raises(InvalidQueryError):
        meanings.pointing_at(TENANT, wanted, 1, first.next, narrowed)


def test_the_records_of_a_log_meaning_are_listed(world):
    wanted = meaning_hex(meaning_of((Facet.LOG, "stock level of shelf is low")).id)
    answer = world.services.meanings.pointing_at(TENANT, wanted, 5, "", Restriction())
    assert [f.item.signal for f in answer.items] == [Signal.LOGS]


# similar


def test_like_a_meaning_are_others_of_its_facet_and_never_itself(world):
    wanted = meaning_of(DECLINED).id
    groups = world.services.similar.answer(TENANT, SimilarQuestion(meaning=wanted)).groups
    assert [g.meaning.text for g in groups] == [TIMEOUT[1]]
    assert groups[0].why.like == wanted


def test_like_a_span_are_the_spans_that_mean_the_same_first(world):
    span = item_of(
        SpanRow(
            name="charge card",
            service="payment",
            trace=1,
            span=101,
            parent=1,
            start_ns=at(21),
            status=2,
            duration_ns=100_000_000,
            attributes={"order.id": "order-8817", "amount": 10},
            means=(DECLINED,),
        )
    ).id
    groups = world.services.similar.answer(TENANT, SimilarQuestion(span=span)).groups
    assert {g.meaning.facet for g in groups[:2]} == {Facet.OPERATION, Facet.ERROR}
    assert [g.score for g in groups[:2]] == pytest.approx([1.0, 1.0])
    only = SimilarQuestion(span=span, facets=(Facet.ERROR,))
    assert {g.meaning.facet for g in world.services.similar.answer(TENANT, only).groups} == {
        Facet.ERROR
    }


def test_like_a_text_is_what_is_near_it_whatever_its_syntax(world):
    question = SimilarQuestion(text='card declined service:nobody "no phrase"', limit=1)
    [first] = world.services.similar.answer(TENANT, question).groups
    assert first.meaning.text == DECLINED[1]


def test_likes_are_sought_under_a_restriction_and_by_words_without_vectors(world):
    narrow = Restriction(parse_filter("service:inventory"))
    question = SimilarQuestion(text="card declined", restriction=narrow)
    groups = world.services.similar.answer(TENANT, question).groups
    assert {s for g in groups for s in g.services} == {"inventory"}
    nothing = SimilarQuestion(text="card", restriction=Restriction(parse_filter("service:x")))
    assert world.services.similar.answer(TENANT, nothing).groups == ()

    pending = World()
    pending.write([SpanRow(means=(DECLINED, TIMEOUT))], embed=False)
    question = SimilarQuestion(meaning=meaning_of(DECLINED).id, facets=(Facet.ERROR,))
    assert pending.services.similar.answer(TENANT, question).pending == 3


@pytest.mark.parametrize(
    "question",
    [
        SimilarQuestion(),
        SimilarQuestion(text="a", span=SpanId("0" * 32)),
        SimilarQuestion(text="a", limit=0),
        SimilarQuestion(text="a", examples=99),
        SimilarQuestion(text="a", over=()),
    ],
)
def test_exactly_one_thing_within_bounds_is_asked_about(world, question):
    with pytest.raises(InvalidQueryError):
        world.services.similar.answer(TENANT, question)


# catalog


def test_services_and_operations_are_counted(world):
    rows = world.services.catalog.services(TENANT, Restriction())
    assert [(r.name, r.spans, r.operations) for r in rows] == [
        ("frontend", 10, 1),
        ("payment", 4, 1),
        ("inventory", 1, 1),
    ]
    failed = world.services.catalog.services(TENANT, Restriction(parse_filter("status:error")))
    assert [(r.name, r.spans) for r in failed] == [("payment", 2), ("inventory", 1)]
    [operation] = world.services.catalog.operations(TENANT, Restriction(), "payment")
    assert (operation.meaning.name, operation.spans) == ("charge card", 4)


def test_attributes_come_from_the_newest_items_and_say_how_many():
    world = World()
    world.write(
        [
            SpanRow(
                span=n + 1,
                start_ns=at(n),
                attributes={"http.status_code": 200 + n % 2, "old" if n < 100 else "new": "x"},
                events=(Event("e", {"in.event": True}),),
            )
            for n in range(SAMPLE + 100)
        ]
    )
    answer = world.services.catalog.attributes(TENANT, Signal.SPANS, Restriction())
    keys = {(k.key, k.scope): k for k in answer.keys}
    assert answer.looked_at == SAMPLE
    assert keys["http.status_code", "span"].items == SAMPLE
    assert keys["http.status_code", "span"].types == ("int",)
    assert ("service.name", "resource") in keys and ("in.event", "event") in keys
    assert not [k for k in answer.keys if k.key == "old"]

    values = world.services.catalog.values(
        TENANT, Signal.SPANS, "http.response.status_code", Restriction(), 10
    )
    assert "http.status_code" in values.names
    assert [(v.value, v.type, v.items) for v in values.values] == [
        ("200", "int", SAMPLE // 2),
        ("201", "int", SAMPLE // 2),
    ]
    assert (values.having, values.distinct) == (SAMPLE, 2)
    few = Restriction(parse_filter("http.status_code:200"))
    one = world.services.catalog.values(TENANT, Signal.SPANS, "http.status_code", few, 1)
    assert (one.looked_at, len(one.values)) == (1050, 1)


# statistics


@dataclass(frozen=True)
class Waiting:
    pending: int = 3
    bytes: int = 4000
    oldest_s: float = 1.23456
    dead: int = 1


def test_statistics_count_what_is_stored_waits_and_was_refused():
    world = World(observed=Observed(Waiting, lambda: {"zero_id": 7}))
    world.write([SpanRow(span=1), SpanRow(span=2)])
    world.write([LogRow()], embed=False)
    world.write([SpanRow(span=3, name="new text")], embed=False)

    shown = stats_json(world.services.stats.answer(TENANT))

    assert (shown["spans"], shown["logs"]) == (3, 1)
    assert shown["meanings"] == {"total": 2, "pending": 1}
    assert shown["inbox"] == {"pending": 3, "bytes": 4000, "oldest_s": 1.235, "dead": 1}
    assert shown["rejected"] == {"zero_id": 7}
    assert shown["embedding"] == {"model": "hashing-64", "dimension": 64}
    assert stats_json(World().services.stats.answer(TENANT))["inbox"] is None


# following


def test_a_follower_hears_of_each_write_with_the_items_that_count():
    world = World()
    where = Where(parse_filter("service:payment"))
    with world.services.following.listen(TENANT, where) as listener:
        world.write([SpanRow(service="payment"), SpanRow(service="cart", span=2)])
        world.write([SpanRow(service="payment", span=3)], tenant=Tenant("other"))
        world.write([LogRow(service="payment")])
        first, second = listener.next(1), listener.next(1)
        assert (first.event.count, [i.service for i in first.items]) == (2, ["payment"])
        assert (second.event.signal, len(second.items)) == (Signal.LOGS, 1)
        assert listener.next(0.01) is None


# export


def test_an_export_holds_every_item_once_equal_to_what_was_stored():
    world = World()
    rows = [SpanRow(span=n + 1, start_ns=at(n)) for n in range(PAGE + 10)]
    world.write(rows)
    world.write([LogRow()])
    messages = list(world.services.exporting.messages(TENANT, Signal.SPANS, Restriction()))
    assert len(messages) == 2 and all(isinstance(m, TracesData) for m in messages)
    spans = [s for m in messages for r in m.resource_spans for x in r.scope_spans for s in x.spans]
    assert [s.SerializeToString(deterministic=True) for s in reversed(spans)] == [
        item_of(row).message.SerializeToString(deterministic=True) for row in rows
    ]
    last = world.services.exporting.messages(TENANT, Signal.SPANS, Restriction(), 1)
    assert list(last) == [traces_data([item_of(rows[-1])])]
    logs = list(world.services.exporting.messages(TENANT, Signal.LOGS, Restriction()))
    assert len(logs[0].resource_logs) == 1


def test_an_export_that_cannot_be_read_is_refused_before_it_begins(world):
    with pytest.raises(InvalidQueryError):
        world.services.exporting.messages(TENANT, Signal.SPANS, Restriction(since="soon"))
