"""Search: what is found, in which order, with which numbers, page by page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.world import DECLINED, World, at, shop

from otel_vector.errors import InvalidQueryError
from otel_vector.services.answers import GroupedAnswer, ListedAnswer
from otel_vector.services.query import parse_filter
from otel_vector.services.search import Restriction, SearchQuestion
from otel_vector.services.search.pages import state_from_bytes
from otel_vector.settings.config import SearchConfig
from otel_vector.spans.durations import percentile_ns
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.testing.builders import TENANT, SpanRow


@pytest.fixture(scope="module")
def world() -> World:
    return shop()


def grouped(world: World, text: str = "", **asked) -> GroupedAnswer:
    answer = world.services.search.answer(TENANT, SearchQuestion(text=text, **asked))
    assert isinstance(answer, GroupedAnswer)
    return answer


def listed(world: World, text: str = "", **asked) -> ListedAnswer:
    answer = world.services.search.answer(TENANT, SearchQuestion(text=text, group=False, **asked))
    assert isinstance(answer, ListedAnswer)
    return answer


def under(query: str, **window: str) -> Restriction:
    return Restriction(parse_filter(query), **window)


def test_the_nearest_meaning_comes_first_with_the_numbers_of_its_spans(world):
    first = grouped(world, "card declined by issuer").groups[0]

    assert (first.meaning.facet, first.meaning.text) == DECLINED
    assert (first.spans.count, first.spans.errors) == (2, 2)
    assert (first.spans.first_ns, first.spans.last_ns) == (at(21), at(23))
    assert first.services == ("payment",)
    assert [e.span_hex for e in first.examples] == [f"{103:016x}"]
    assert first.why.dense_rank == 0 and first.why.cosine > 0.5
    assert percentile_ns(first.spans.histogram, 0.99) == pytest.approx(300_000_000, rel=0.05)


def test_a_question_that_occurs_in_a_text_says_so(world):
    first = grouped(world, "Card Declined").groups[0]
    assert first.why.exact
    assert not grouped(world, "declined payment card").groups[0].why.exact


def test_only_the_facets_asked_for_answer(world):
    groups = grouped(world, "card", facets=(Facet.OPERATION,)).groups
    assert {g.meaning.facet for g in groups} == {Facet.OPERATION}


def test_each_example_wanted_is_one_of_the_newest(world):
    first = grouped(world, "get cart", examples=3).groups[0]
    assert [e.start_ns for e in first.examples] == [at(10), at(9), at(8)]


def test_no_examples_are_read_when_none_are_wanted(world):
    assert grouped(world, "get cart", examples=0).groups[0].examples == ()


def test_conditions_inside_the_text_and_beside_it_all_hold(world):
    answer = grouped(world, "card service:payment", restriction=under("amount>=20"))
    assert answer.groups[0].spans.count == 3
    assert {s for g in answer.groups for s in g.services} == {"payment"}


def test_a_selective_filter_costs_no_recall():
    world = World()
    world.write(
        [
            SpanRow(name=f"charge card {word}", service="near", span=n + 1, start_ns=at(n))
            for n, word in enumerate("a" * k + "b" * (30 - k) for k in range(1, 30))
        ]
        + [
            SpanRow(
                name=f"charge card {chr(97 + n // 26)}{chr(97 + n % 26)}",
                service="near",
                span=900 + n,
            )
            for n in range(300)
        ]
    )
    world.write([SpanRow(name="far away thing", service="rare", span=5000)])

    answer = grouped(world, "charge card", restriction=under("service:rare"))

    assert [g.meaning.name for g in answer.groups] == ["far away thing"]


def test_meanings_of_other_runs_do_not_crowd_out_live_ones():
    world = World()
    run = {"otel_vector.run.kind": "test"}
    world.write(
        [
            SpanRow(
                name=f"charge card {chr(97 + n // 26)}{chr(97 + n % 26)}",
                span=n + 1,
                attributes=run,
            )
            for n in range(300)
        ]
    )
    world.write([SpanRow(name="unlike", service="quiet", span=5000)])

    answer = grouped(world, "charge card")

    assert [g.meaning.name for g in answer.groups] == ["unlike"]
    tests = grouped(world, "charge card", restriction=Restriction(runs=("test",)))
    assert len(tests.groups) == 10
    assert (
        len(
            grouped(world, "charge card", restriction=Restriction(runs=("all",)), limit=500).groups
        )
        == 301
    )


def test_a_quoted_phrase_or_an_id_is_matched_exactly(world):
    assert [f.item.name for f in listed(world, "order-8837").items] == ["charge card"]
    assert listed(world, '"order-8837"').items[0].item.start_ns == at(23)
    assert listed(world, '"no such phrase"').items == ()


def test_without_words_items_are_listed_newest_first(world):
    answer = listed(world, "service:payment")
    assert [f.item.start_ns for f in answer.items] == [at(24), at(23), at(22), at(21)]
    assert {f.score for f in answer.items} == {None}


def test_without_words_groups_are_operations_last_seen_first(world):
    answer = grouped(world)
    assert [g.meaning.service for g in answer.groups] == ["inventory", "payment", "frontend"]
    assert {g.meaning.facet for g in answer.groups} == {Facet.OPERATION}
    assert [g.score for g in answer.groups] == [None] * 3


def test_without_words_a_facet_can_be_named(world):
    groups = grouped(world, facets=(Facet.ERROR,)).groups
    assert [g.meaning.text.split(":")[0] for g in groups] == ["TimeoutError", "PaymentError"]


def test_a_window_of_time_counts_starts_from_its_beginning_to_before_its_end(world):
    window = Restriction(since=str(at(22)), until=str(at(24)))
    assert [f.item.start_ns for f in listed(world, restriction=window).items] == [at(23), at(22)]
    assert grouped(world, "charge", restriction=window).groups[0].spans.count == 2


def test_ungrouped_items_stand_under_their_best_meaning_and_only_once(world):
    answer = listed(world, "card declined", limit=100)
    assert [f.item.start_ns for f in answer.items][:2] == [at(23), at(21)]
    assert answer.items[0].why.facet is Facet.ERROR
    ids = [f.item.id for f in answer.items]
    assert len(ids) == len(set(ids)) == 15
    scores = [f.score for f in answer.items]
    assert scores == sorted(scores, reverse=True)


def test_logs_answer_when_they_are_asked_for(world):
    only = grouped(world, "stock level", over=(Signal.LOGS,)).groups
    assert [(g.logs.count, g.spans.count) for g in only] == [(1, 0)]
    assert only[0].examples[0].signal is Signal.LOGS

    both = grouped(world, "stock level shelf", over=(Signal.SPANS, Signal.LOGS)).groups
    assert both[0].meaning.facet is Facet.LOG
    assert {g.meaning.facet for g in both} == {Facet.LOG, Facet.OPERATION, Facet.ERROR}
    assert all(g.logs is None for g in grouped(world, "stock").groups)


def test_a_listing_of_both_signals_is_ordered_by_time_across_them(world):
    answer = listed(world, over=(Signal.SPANS, Signal.LOGS), limit=3)
    assert [f.item.start_ns for f in answer.items] == [at(31), at(30), at(24)]


def paged(world, question, **asked):
    found, cursor = [], ""
    while cursor is not None:
        answer = question(world, cursor=cursor, **asked)
        found.append(answer)
        cursor = answer.next
    return found


@pytest.mark.parametrize("text", ["", "card declined", "card service:payment"])
def test_pages_of_a_listing_hold_everything_once(world, text):
    whole = [f.item.id for f in listed(world, text, limit=100, over=tuple(Signal)).items]
    for limit in (1, 2, 3, 7):
        pages = paged(world, listed, text=text, limit=limit, over=tuple(Signal))
        assert [f.item.id for page in pages for f in page.items] == whole
        assert all(len(page.items) <= limit for page in pages)


@pytest.mark.parametrize("text", ["", "card declined", "card service:payment"])
def test_pages_of_groups_hold_everything_once(world, text):
    whole = grouped(world, text, limit=100).groups
    pages = paged(world, grouped, text=text, limit=2)
    found = [g for page in pages for g in page.groups]
    assert [g.meaning.id for g in found] == [g.meaning.id for g in whole]
    assert [g.score for g in found] == [g.score for g in whole]
    assert [(g.why.facet, g.why.dense_rank, g.why.bm25_rank, g.why.exact) for g in found] == [
        (g.why.facet, g.why.dense_rank, g.why.bm25_rank, g.why.exact) for g in whole
    ]


def test_pages_are_stable_under_writes():
    world = shop()
    for text in ("", "get cart"):
        whole = [f.item.id for f in listed(world, text, limit=100).items]
        found, cursor, number = [], "", 0
        while cursor is not None:
            page = listed(world, text, limit=4, cursor=cursor)
            found += [f.item.id for f in page.items]
            cursor, number = page.next, number + 1
            world.write(
                [
                    SpanRow(
                        name="GET /cart",
                        service="frontend",
                        span=7000 + number,
                        start_ns=at(500 + number),
                    )
                ]
            )
        assert found == whole


def test_groups_keep_their_order_when_better_ones_are_written_meanwhile():
    world = shop()
    first = grouped(world, "card declined", limit=1)
    before = [g.meaning.id for g in grouped(world, "card declined", limit=100).groups]
    world.write([SpanRow(name="card declined", service="card", span=8000, start_ns=at(600))])

    rest = grouped(world, "card declined", limit=100, cursor=first.next)

    assert [g.meaning.id for g in (*first.groups, *rest.groups)] == before


def test_a_relative_window_stays_where_it_was_on_later_pages():
    world = shop()
    now = [at(25)]
    search = replace(world.services.search, clock_ns=lambda: now[0])
    asked = SearchQuestion(group=False, limit=2, restriction=Restriction(since="-3s"))
    first = search.answer(TENANT, asked)
    now[0] = at(10_000)
    second = search.answer(TENANT, replace(asked, cursor=first.next))
    assert [f.item.start_ns for f in (*first.items, *second.items)] == [
        at(s) for s in (30, 24, 23, 22)
    ]


def test_a_cursor_is_refused_with_another_question_tenant_or_edited(world):
    search = world.services.search
    asked = SearchQuestion(text="card", limit=1)
    cursor = search.answer(TENANT, asked).next
    search.answer(TENANT, replace(asked, cursor=cursor, limit=3, examples=0))
    for question, tenant in [
        (replace(asked, text="cart", cursor=cursor), TENANT),
        (replace(asked, group=False, cursor=cursor), TENANT),
        (replace(asked, restriction=under("service:payment"), cursor=cursor), TENANT),
        (replace(asked, cursor=cursor), Tenant("other")),
        (replace(asked, cursor=cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")), TENANT),
        (replace(asked, cursor="x" * 200_000), TENANT),
        (replace(asked, cursor="no cursor!"), TENANT),
        (replace(asked, cursor="é"), TENANT),
        (replace(asked, cursor="QQ"), TENANT),
    ]:
        with pytest.raises(InvalidQueryError, match="cursor"):
            search.answer(tenant, question)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"limit": 0}, "limit is 1 to 50"),
        ({"limit": 51}, "limit is 1 to 50"),
        ({"examples": -1}, "examples"),
        ({"examples": 21}, "examples"),
        ({"over": ()}, "over"),
        ({"restriction": Restriction(runs=("nightly",))}, "nightly"),
        ({"restriction": Restriction(since="yesterday")}, "not a time"),
        ({"text": "(service:a"}, "close|bracket|parenthes|\\)"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(asked, message):
    search = World(config=SearchConfig(max_limit=50)).services.search
    with pytest.raises(InvalidQueryError, match=message):
        search.answer(TENANT, SearchQuestion(**asked))


def test_meanings_without_a_vector_are_found_by_words_and_counted():
    world = World()
    world.write([SpanRow(name="charge card", service="payment")], embed=False)
    world.write([SpanRow(name="load cart", service="frontend", span=2)], embed=False)

    answer = grouped(world, "charge")

    assert [g.meaning.name for g in answer.groups] == ["charge card"]
    assert answer.groups[0].why.dense_rank is None and answer.groups[0].why.bm25_rank == 0
    assert answer.pending == 2
    world.embed()
    assert grouped(world, "charge").pending == 0


def test_without_an_embedder_words_and_filters_still_answer_and_nothing_is_awaited():
    world = World(without_embedder=True)
    world.write(
        [SpanRow(name="charge card", service="payment"), SpanRow(name="load cart", span=2)]
    )
    answer = grouped(world, "charge")
    assert [g.meaning.name for g in answer.groups] == ["charge card"]
    assert answer.pending == 0


def test_another_tenants_spans_are_never_seen(world):
    other = Tenant("other")
    assert world.services.search.answer(other, SearchQuestion(text="card")).groups == ()
    assert world.services.search.answer(other, SearchQuestion(group=False)).items == ()


def test_an_empty_store_gives_an_empty_answer():
    world = World()
    for question in (
        SearchQuestion(),
        SearchQuestion(text="card"),
        SearchQuestion(text="service:x"),
    ):
        answer = world.services.search.answer(TENANT, question)
        assert (answer.groups, answer.next, answer.pending) == ((), None, 0)
        assert len(bytes.fromhex(answer.search_id)) == 8


def test_searches_are_recorded_as_spans_of_run_kind_self_when_switched_on():
    world = World(config=SearchConfig(record=True))
    world.write([SpanRow(name="charge card", service="payment")])
    answer = grouped(world, "charge")
    listed(world, "service:payment")

    tenant, data = world.recorded.spans[0]
    span = data.resource_spans[0].scope_spans[0].spans[0]
    attributes = {a.key: a.value for a in span.attributes}
    assert tenant == TENANT
    assert attributes["otel_vector.run.kind"].string_value == "self"
    assert attributes["otel_vector.search.id"].string_value == answer.search_id
    assert attributes["otel_vector.search.text"].string_value == "charge"
    assert attributes["otel_vector.search.results"].int_value == 1
    assert len(span.trace_id) == 16 and len(span.span_id) == 8
    assert len(world.recorded.spans) == 2


def test_searches_are_not_recorded_unless_switched_on(world):
    grouped(world, "charge")
    assert world.recorded.spans == []


def test_the_services_of_a_shared_text_are_those_with_matching_items():
    world = World()
    world.write(
        [
            SpanRow(service=name, span=n, attributes={"region": region}, means=(DECLINED,))
            for n, (name, region) in enumerate([("a", "eu"), ("b", "eu"), ("c", "us")], start=1)
        ]
        + [SpanRow(service="c", span=9, attributes={"region": "eu"})]
    )
    asked = {"facets": (Facet.ERROR,)}
    assert grouped(world, "card declined", **asked).groups[0].services == ("a", "b", "c")
    in_eu = grouped(world, "card declined", restriction=under("region:eu"), **asked)
    assert in_eu.groups[0].services == ("a", "b")


@pytest.mark.parametrize(
    "head",
    [
        b"[null,null,0,[1,7]]",
        b'[null,null,0,["now","00"]]',
        b'[null,null,0,[1,"00"]]',
        b'["x",null,0,null]',
        b"[null,null,-1,null]",
        b"[null,null,1,null]",
        b'[null,null,"0",null]',
        b"[null,null,0]",
        b"7",
    ],
)
def test_a_made_up_place_is_refused(head):
    """A cursor's mac is no secret, so what is inside is checked as well."""
    with pytest.raises(InvalidQueryError, match="cannot be read"):
        state_from_bytes(head + b"\n")
