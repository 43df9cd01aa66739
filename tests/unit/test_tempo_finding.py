"""Traces whose spans have to fulfil more than a filter can say."""

import pytest
from support.world import World, at

from otel_vector.errors import QueryTimeoutError
from otel_vector.services import finding
from otel_vector.services.finding import Refinement, TraceQuestion
from otel_vector.spans.filters import BuiltIn, Compare, Op
from otel_vector.testing.builders import TENANT, SpanRow


@pytest.fixture(scope="module")
def world():
    world = World()
    world.write(
        [
            SpanRow(trace=trace, span=span, parent=span - 1, start_ns=at(10 * trace + span),
                    name=f"step {trace}.{span}")
            for trace in range(1, 60) for span in range(1, 4)
        ]
    )  # fmt: skip
    return world


def found(world, refinement, limit=20):
    question = TraceQuestion(limit=limit, refinement=refinement)
    traces = list(world.services.finding.traces(TENANT, question))
    ids = world.services.finding.trace_ids(TENANT, question)
    assert ids == [trace.trace_id for trace in traces]
    return [
        (int.from_bytes(t.trace_id, "big"), [i.name for i in t.spans if i.id in t.matched])
        for t in traces
    ]


def ends_with(text):
    def possible(item):
        return item.name.endswith(text)

    return Refinement(possible, lambda _: possible)


def test_spans_that_cannot_match_are_passed_over_and_the_limit_counts_those_that_do(world):
    assert found(world, ends_with("7.2"), limit=3) == [
        (57, ["step 57.2"]),
        (47, ["step 47.2"]),
        (37, ["step 37.2"]),
    ]


def test_what_takes_the_whole_trace_decides_last(world):
    def within(spans):
        first = min(spans, key=lambda item: item.start_ns)
        return lambda item: first.name == "step 5.1" and item.name != first.name

    assert found(world, Refinement(lambda _: True, within)) == [(5, ["step 5.2", "step 5.3"])]


def test_a_condition_on_the_root_passes_over_other_traces(world):
    named = Compare(BuiltIn.NAME, Op.CONTAINS, ("7.1",))
    refinement = Refinement(lambda item: item.name.endswith(".3"), anything, named)
    assert found(world, refinement, limit=3) == [
        (n, [f"step {n}.{span}" for span in (1, 2, 3)]) for n in (57, 47, 37)
    ]
    nobody = Compare(BuiltIn.NAME, Op.EQ, ("nobody",))
    assert found(world, Refinement(lambda _: True, anything, nobody)) == []


def anything(_):
    return lambda _: True


def test_a_question_ends_when_its_time_is_up(world, monkeypatch):
    monkeypatch.setattr(finding, "MOST_S", -1.0)
    with pytest.raises(QueryTimeoutError, match="narrow it by service"):
        found(world, ends_with("nothing"))
