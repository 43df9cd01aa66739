"""Meanings, likes, catalog, statistics, following and export."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from support.world import DECLINED, TIMEOUT, World, at, shop

from otel_vector.errors import InvalidQueryError
from otel_vector.services.catalog import SAMPLE
from otel_vector.services.exporting import PAGE
from otel_vector.services.query import parse_filter
from otel_vector.services.search import Restriction
from otel_vector.services.shapes import stats_json
from otel_vector.services.similar import SimilarQuestion
from otel_vector.services.stats import Observed
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import SpanId, Tenant, meaning_hex
from otel_vector.spans.items import traces_data
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.testing.builders import (
    TENANT,
    Event,
    LogRow,
    SpanRow,
    item_of,
    meaning_of,
)


@pytest.fixture(scope="module")
def world() -> World:
    return shop()


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
