"""The commonest meanings: which come first, what counts, and what is said of the rest."""

from __future__ import annotations

import pytest
from support.world import DECLINED, TIMEOUT, World, at, shop

from otel_vector.errors import InvalidQueryError
from otel_vector.services.commonest import MOST_COMPARED, CommonestQuestion, Sort
from otel_vector.services.query import parse_filter
from otel_vector.services.search import Restriction
from otel_vector.services.shapes import commonest_json
from otel_vector.settings.config import SearchConfig
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Facet
from otel_vector.testing.builders import TENANT, SpanRow

MANY = MOST_COMPARED + 30


@pytest.fixture(scope="module")
def world() -> World:
    return shop()


@pytest.fixture(scope="module")
def busy() -> World:
    """More operations than are compared: the later in the row, the fewer spans, all slower."""
    world = World()
    rows = [
        SpanRow(
            name=f"step {chr(0x4E00 + n)}",
            service="busy",
            trace=n + 1,
            span=1000 * (n + 1) + again,
            start_ns=at(n),
            duration_ns=(n + 1) * 1_000_000,
        )
        for n in range(MANY)
        for again in range(2 if n < MOST_COMPARED else 1)
    ]
    world.write(rows, embed=False)
    return world


def asked(world: World, tenant: Tenant = TENANT, **question):
    return world.services.commonest.answer(tenant, CommonestQuestion(**question))


def names(answer) -> list[str]:
    return [group.meaning.name for group in answer.groups]


def test_the_operations_with_most_spans_come_first(world):
    answer = asked(world)
    assert names(answer)[:2] == ["GET /cart", "charge card"]
    counts = [group.spans.count for group in answer.groups]
    assert counts == sorted(counts, reverse=True)
    assert (answer.found, answer.compared) == (len(counts), len(counts))
    assert not answer.is_truncated


def test_what_failed_most_often_comes_first(world):
    answer = asked(world, facet=Facet.ERROR, sort=Sort.ERRORS)
    assert [group.meaning.text for group in answer.groups] == [DECLINED[1], TIMEOUT[1]]
    assert [group.spans.errors for group in answer.groups] == [2, 1]
    [first, *_] = asked(world, sort=Sort.ERRORS).groups
    assert (first.meaning.name, first.spans.errors) == ("charge card", 2)


def test_what_takes_longest_comes_first(world):
    times = [group.spans.histogram for group in asked(world, sort=Sort.P95).groups]
    longest = [max(histogram) for histogram in times]
    assert longest == sorted(longest, reverse=True)
    assert names(asked(world, sort=Sort.P95))[-1] == "GET /cart"


def test_what_was_seen_last_comes_first(world):
    last = [group.spans.last_ns for group in asked(world, sort=Sort.LAST_SEEN).groups]
    assert last == sorted(last, reverse=True)


def test_a_group_is_that_of_a_search(world):
    [first, *_] = asked(world, facet=Facet.ERROR, sort=Sort.ERRORS).groups
    assert (first.score, first.why.facet, first.services) == (None, Facet.ERROR, ("payment",))
    assert [example.start_ns for example in first.examples] == [at(23)]
    assert first.logs is None
    assert asked(world, facet=Facet.ERROR, examples=0).groups[0].examples == ()


@pytest.mark.parametrize("sort", Sort)
def test_only_spans_under_the_restriction_count(world, sort):
    window = Restriction(parse_filter("service:payment"), since=str(at(22)), until=str(at(24)))
    [only] = asked(world, sort=sort, restriction=window).groups
    assert (only.meaning.name, only.spans.count, only.spans.errors) == ("charge card", 2, 1)
    nothing = asked(world, sort=sort, restriction=Restriction(until="2000-01-01"))
    assert (nothing.groups, nothing.found, nothing.is_truncated) == ((), 0, False)


@pytest.mark.parametrize("sort", Sort)
def test_only_spans_of_the_service_count(world, sort):
    assert names(asked(world, sort=sort, service="payment")) == ["charge card"]
    narrow = Restriction(parse_filter("status:error"))
    [only] = asked(world, sort=sort, service="payment", restriction=narrow).groups
    assert only.spans.count == 2
    assert asked(world, sort=sort, service="pay").groups == ()


def test_only_live_runs_count_unless_told_otherwise():
    world = World()
    world.write([SpanRow(name="tried", attributes={"otel_vector.run.kind": "test"})])
    assert asked(world).groups == ()
    assert names(asked(world, restriction=Restriction(runs=("test",)))) == ["tried"]


def test_nothing_of_another_tenant_counts(world):
    assert asked(world, Tenant("other")).groups == ()


@pytest.mark.parametrize("sort", [Sort.SPANS, Sort.ERRORS])
def test_all_meanings_are_put_in_order_by_what_is_counted_of_all(busy, sort):
    answer = asked(busy, sort=sort, limit=3)
    assert (answer.found, answer.compared, answer.is_truncated) == (MANY, MANY, False)
    assert len(answer.groups) == 3


@pytest.mark.parametrize("sort", [Sort.P95, Sort.LAST_SEEN])
def test_the_answer_says_that_only_the_commonest_were_compared(busy, sort):
    answer = asked(busy, sort=sort, limit=3)
    assert (answer.found, answer.compared, answer.is_truncated) == (MANY, MOST_COMPARED, True)
    assert {group.spans.count for group in answer.groups} == {2}
    whole = asked(busy, sort=sort, limit=MANY)
    assert (whole.compared, whole.is_truncated) == (MANY, False)
    assert whole.groups[0].spans.count == 1


def test_times_are_told_as_numbers_too(world):
    shown = commonest_json(asked(world, facet=Facet.ERROR, sort=Sort.ERRORS))["groups"][0]
    spans = shown["spans"]
    assert shown["score"] is None
    assert (spans["count"], spans["errors"]) == (2, 2)
    for name in ("p50", "p95", "p99"):
        assert spans[f"{name}_ms"] == int(spans[f"{name}_ns"]) / 1e6
    assert spans["last_seen_unix_ms"] == at(23) // 10**6


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"facet": Facet.LOG}, "name one of operation, error"),
        ({"facet": Facet.CODE}, "no span points at"),
        ({"limit": 0}, "limit is 1 to 50"),
        ({"limit": 51}, "limit is 1 to 50"),
        ({"examples": 99}, "examples is 0 to 20"),
        ({"restriction": Restriction(since="soon")}, "is not a time"),
        ({"restriction": Restriction(runs=("nightly",))}, "run kind"),
    ],
)
def test_a_question_out_of_bounds_is_refused(question, told):
    world = World(config=SearchConfig(max_limit=50))
    with pytest.raises(InvalidQueryError, match=told):
        asked(world, **question)
