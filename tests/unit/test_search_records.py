"""Search over records: found as spans are, and never counted among them."""

import pytest
from support.world import World, shop

from otel_vector.errors import InvalidQueryError
from otel_vector.services.search import Restriction, SearchQuestion
from otel_vector.services.shapes import answer_json
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.testing.builders import TENANT, SpanRow

CODE = {
    "pay": ["def charge(card): refuses a declined card"],
    "cart": ["def load(cart): reads the cart of a customer"],
    "mail": ["def send(mail): writes to the customer"],
    "none": [],
}


@pytest.fixture
def world():
    world = shop()
    for name, texts in CODE.items():
        put(world, "functions", name, *texts)
    put(world, "notes", "pay", "why a card is refused", facet="input")
    world.embed()
    return world


def put(world, collection, key, *texts, facet="code"):
    given = [{"facet": facet, "text": text} for text in texts]
    (stored,) = world.services.records.put(TENANT, collection, [{"key": key, "texts": given}])
    return stored


def ask(world, text="", over=(), **more):
    return world.services.search.answer(
        TENANT, SearchQuestion(text=text, over=over, records=True, **more)
    )


def keys(answer):
    return [(hit.record.collection, hit.record.key) for hit in answer.records]


def test_records_are_found_by_words_and_meaning(world):
    answer = ask(world, "declined card")
    assert keys(answer)[0] == ("functions", "pay")
    assert ("notes", "pay") in keys(answer)
    assert answer.searched == ("records",)
    assert answer.groups == ()
    hit = answer.records[0]
    assert hit.meaning.text == CODE["pay"][0]
    assert hit.score == max(h.score for h in answer.records)


def test_the_answer_says_which_kinds_it_covers(world):
    both = ask(world, "declined card", over=(Signal.SPANS,))
    assert both.searched == ("spans", "records")
    assert both.groups
    assert ("functions", "pay") in keys(both)
    spans = world.services.search.answer(TENANT, SearchQuestion(text="declined card"))
    assert (spans.searched, spans.records) == (("spans",), None)
    assert "records" not in answer_json(spans)
    assert [g.meaning.id for g in spans.groups] == [g.meaning.id for g in both.groups]


def test_records_are_never_counted_as_spans(world):
    shared = "PaymentError: card declined by issuer"
    before = world.services.search.answer(TENANT, SearchQuestion(text="card declined"))
    put(world, "functions", "error", shared, facet="error")
    after = world.services.search.answer(TENANT, SearchQuestion(text="card declined"))
    assert [(g.meaning.id, g.spans.count) for g in after.groups] == [
        (g.meaning.id, g.spans.count) for g in before.groups
    ]
    assert ("functions", "error") in keys(ask(world, "card declined"))


def test_texts_of_records_take_no_place_of_spans(world):
    world = World()
    world.write([SpanRow(span=1, means=((Facet.INPUT, "the card was declined"),))])
    for number in range(150):
        put(world, "notes", str(number), f"card declined {number}", facet="input")
    world.embed()
    found = world.services.search.answer(TENANT, SearchQuestion(text="card declined"))
    assert "the card was declined" in {g.meaning.text for g in found.groups}


def test_collections_and_facets_restrict(world):
    assert {c for c, _ in keys(ask(world, "card", collections=("notes",)))} == {"notes"}
    assert {c for c, _ in keys(ask(world, "card", facets=(Facet.CODE,)))} == {"functions"}
    assert keys(ask(world, "card", collections=("unknown",))) == []


def test_a_record_stands_under_its_best_text_alone(world):
    put(world, "functions", "twice", "refuses a declined card", "accepts a card")
    world.embed()
    assert keys(ask(world, "refuses a declined card")).count(("functions", "twice")) == 1


def test_pages_go_on_through_both_kinds(world):
    question = {"over": (Signal.SPANS,), "limit": 2, "text": "card of the customer"}
    whole = ask(world, **question | {"limit": 100})
    groups, hits, cursor = [], [], ""
    while True:
        page = ask(world, **question, cursor=cursor)
        groups += [g.meaning.id for g in page.groups]
        hits += keys(page)
        if page.next is None:
            break
        cursor = page.next
    assert groups == [g.meaning.id for g in whole.groups]
    assert hits == keys(whole)
    assert len(hits) >= 4


def test_a_page_is_frozen_when_it_is_made(world):
    first = ask(world, "card of the customer", limit=1)
    put(world, "a", "new", "card of the customer")
    world.embed()
    rest = ask(world, "card of the customer", limit=100, cursor=first.next)
    assert ("a", "new") not in keys(rest)
    assert not set(keys(first)) & set(keys(rest))


def test_without_words_records_are_listed_by_key(world):
    found, cursor = [], ""
    while True:
        page = ask(world, limit=2, cursor=cursor)
        found += keys(page)
        if page.next is None:
            break
        cursor = page.next
    assert found == [("functions", key) for key in sorted(CODE)] + [("notes", "pay")]
    assert {hit.score for hit in page.records} == {None}


def test_only_the_active_version_is_found(world):
    put(world, "functions", "pay", "def charge(card): now logs instead")
    world.embed()
    texts = [hit.meaning.text for hit in ask(world, "refuses a declined card").records]
    assert CODE["pay"][0] not in texts


def test_a_deleted_record_is_not_found(world):
    world.services.records.delete(TENANT, "functions", "pay")
    assert ("functions", "pay") not in keys(ask(world, "declined card"))


@pytest.mark.parametrize(
    "more",
    [
        {"text": "card service:pay"},
        {"text": '"declined"'},
        {"restriction": Restriction(since="-1h")},
    ],
    ids=["condition", "phrase", "time"],
)
def test_what_no_record_can_answer_is_refused(world, more):
    with pytest.raises(InvalidQueryError, match="leave out"):
        ask(world, **more)


def test_collections_without_records_are_refused(world):
    with pytest.raises(InvalidQueryError, match="over records"):
        world.services.search.answer(TENANT, SearchQuestion(collections=("a",)))


def test_a_cursor_of_other_kinds_is_refused(world):
    cursor = ask(world, "card", limit=1).next
    with pytest.raises(InvalidQueryError):
        ask(world, "card", over=(Signal.SPANS,), limit=1, cursor=cursor)
