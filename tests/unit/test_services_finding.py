"""Whole traces by one of their spans, their summaries, and the names of operations."""

from __future__ import annotations

import pytest
from support.world import DECLINED, TIMEOUT, World, at

from otel_vector.services.finding import Match, TraceQuestion
from otel_vector.services.operations import NamedOperation
from otel_vector.services.summaries import ServiceSummary, summary_of
from otel_vector.spans.filters import And, Attribute, BuiltIn, Compare, Op, Where
from otel_vector.testing.builders import TENANT, SpanRow, trace_bytes


@pytest.fixture(scope="module")
def world() -> World:
    world = World()
    rows = [
        SpanRow(trace=trace, span=span, parent=span - 1, start_ns=at(10 * trace + span),
                service="shop" if span == 1 else "payments", name=f"step {span}",
                status=2 if (trace, span) in {(2, 2), (4, 3)} else 0,
                means=(DECLINED,) if (trace, span) == (2, 2) else
                      (TIMEOUT,) if (trace, span) == (4, 3) else (),
                attributes={"tier": "gold" if trace % 2 else "iron", "step": span})
        for trace in range(1, 8) for span in range(1, 4)
    ]  # fmt: skip
    world.write(rows)
    world.write([SpanRow(trace=9, span=1, attributes={"otel_vector.run.kind": "test"})])
    return world


def traces(world: World, **question) -> list[int]:
    asked = TraceQuestion(**question)
    found = [trace.trace_id for trace in world.services.finding.traces(TENANT, asked)]
    assert found == world.services.finding.trace_ids(TENANT, asked)
    return [int.from_bytes(trace_id, "big") for trace_id in found]


def equals(field, *values: str) -> Compare:
    return Compare(field, Op.EQ, values)


def test_traces_come_in_the_order_of_their_newest_span_and_no_more_than_asked_for(world):
    assert traces(world) == [7, 6, 5, 4, 3, 2, 1]
    assert traces(world, limit=2) == [7, 6]


def test_all_conditions_have_to_hold_of_one_span(world):
    gold, third = equals(Attribute("tier"), "gold"), equals(Attribute("step"), "3")
    assert traces(world, where=Where(And((gold, third)))) == [7, 5, 3, 1]
    first_of_payments = And((equals(BuiltIn.SERVICE, "payments"), equals(Attribute("step"), "1")))
    assert traces(world, where=Where(first_of_payments)) == []


def test_the_window_is_of_the_matching_spans_start(world):
    assert traces(world, where=Where(since_ns=at(51), until_ns=at(61))) == [5]


def test_other_runs_are_found_when_asked_for(world):
    assert traces(world, where=Where(runs=("test",))) == [9]
    assert traces(world, where=Where(runs=()), limit=1) == [7]


def test_a_found_trace_is_whole_and_says_which_spans_matched(world):
    asked = TraceQuestion(Where(equals(Attribute("step"), "2")), limit=1)
    (found,) = world.services.finding.traces(TENANT, asked)
    assert [item.name for item in found.spans] == ["step 1", "step 2", "step 3"]
    assert found.matched == {found.spans[1].id: Match()}


def test_a_question_in_words_finds_the_best_meaning_first_under_the_filter(world):
    assert traces(world, meaning="card declined by issuer", limit=1) == [2]
    assert traces(world, meaning="inventory did not answer", limit=1) == [4]
    failed = Where(equals(BuiltIn.STATUS, "error"))
    assert set(traces(world, meaning="card declined", where=failed)) == {2, 4}


def test_a_match_by_meaning_tells_score_and_text(world):
    failed = Where(equals(BuiltIn.STATUS, "error"))
    asked = TraceQuestion(failed, "card declined by issuer", 1)
    (found,) = world.services.finding.traces(TENANT, asked)
    ((span_id, match),) = found.matched.items()
    assert span_id == found.spans[1].id
    assert match.text == DECLINED[1]
    assert match.score > 0


def test_a_question_in_words_is_no_query_language(world):
    assert traces(world, meaning='card: "declined (by) issuer', limit=1) == [2]


def test_without_a_match_nothing_is_found(world):
    assert traces(world, where=Where(equals(Attribute("tier"), "lead"))) == []
    assert traces(world, meaning="card", where=Where(equals(Attribute("tier"), "lead"))) == []


def test_words_are_found_without_an_embedder():
    world = World(without_embedder=True)
    world.write([SpanRow(trace=1, means=(DECLINED,)), SpanRow(trace=2, means=(TIMEOUT,))])
    assert traces(world, meaning="card declined by issuer", limit=1) == [1]


def test_a_trace_with_more_spans_than_a_page_hides_no_other():
    world = World()
    world.write([SpanRow(trace=1, span=n, start_ns=at(100)) for n in range(1, 400)])
    world.write([SpanRow(trace=2, start_ns=at(1))])
    assert traces(world, limit=2) == [1, 2]


def test_a_summary_names_the_root_and_counts(world):
    summary = summary_of(world.store.tenant(TENANT).reader.trace(trace_bytes(2)))
    assert (summary.root_service, summary.root_name) == ("shop", "step 1")
    assert (summary.spans, summary.errors, summary.orphans) == (3, 1, 0)
    assert summary.services == (ServiceSummary("payments", 2, 1), ServiceSummary("shop", 1, 0))
    assert summary.end_ns - summary.start_ns == at(23) - at(21) + 1_000_000


def test_a_summary_without_a_root_has_none_and_counts_orphans():
    world = World()
    world.write([SpanRow(trace=1, span=2, parent=1), SpanRow(trace=1, span=3, parent=2)])
    summary = summary_of(world.store.tenant(TENANT).reader.trace(trace_bytes(1)))
    assert (summary.root_service, summary.root_name, summary.orphans) == ("", "", 1)


def test_operations_are_listed_by_name_and_kind():
    world = World()
    world.write([SpanRow(name="b", kind=2), SpanRow(name="a", kind=3, span=2)])
    world.write([SpanRow(name="c", service="cart", kind=0)])
    names = world.services.operations
    assert names.of(TENANT, "shop") == [
        NamedOperation("a", "client"),
        NamedOperation("b", "server"),
    ]
    assert names.of(TENANT, "shop", "server") == [NamedOperation("b", "server")]
    assert names.of(TENANT, "cart") == [NamedOperation("c", "unspecified")]
    assert names.of(TENANT, "nobody") == []
