"""What `capture_inputs=True` captured is in rows, and found, by the names of arguments."""

from datetime import UTC, datetime

import pytest
from support.searching import asking, find, numbers
from support.world import World, at

from otel_vector.canonical.encode import text_of
from otel_vector.errors import InvalidInputError
from otel_vector.instrument.ordered import Order
from otel_vector.testing.builders import SpanRow

MS = 1_000_000


def given_all(name, number, text, **attributes):
    """Return a span of a function whose arguments are all captured."""
    values = {"code.function.name": f"shop.{name}", "input.value": text, **attributes}
    place = {"trace": number, "span": number, "start_ns": at(number), "duration_ns": MS}
    return SpanRow(name=name, scope="otel_vector", attributes=values, **place)


GIVEN = [
    given_all("order", 1, text_of({"order": "A-1", "amount": 30, "status": "new"})),
    given_all("order", 2, text_of({"order": "A-2", "amount": 500, "card": {"number": "4", "ok": True}})),
    given_all("order", 3, text_of({"order": ["A-1", None], "due": datetime(2026, 11, 21, tzinfo=UTC)})),
    given_all("order", 4, '{"order":"A-1","am…[cut: 900 characters]'),
    given_all("order", 5, text_of({"order": "A-1"}), **{"otel_vector.tag.order": "own"}),
    SpanRow(name="chat", trace=6, span=6, start_ns=at(6), attributes={"input.value": '{"order":"A-1","messages":[]}'}),
    given_all("nested", 7, text_of({"cart": {"inner": 1}})),
]  # fmt: skip


@pytest.fixture(params=["embedded", "collector"])
def asked(request):
    world = World()
    world.write(GIVEN)
    yield from asking(request.param, world)


def test_captured_arguments_are_in_a_row_by_their_names(asked):
    rows = find(asked, order=Order("timestamp_utc", ascending=True))
    own = [
        {k: v for k, v in row.items() if k in {"order", "amount", "card", "due", "messages"}}
        for row in rows
    ]
    due = '{"$ov":"datetime","v":"2026-11-21T00:00:00+00:00"}'
    assert own[:3] == [
        {"order": "A-1", "amount": 30},
        {"order": "A-2", "amount": 500, "card": {"number": "4", "ok": True}},
        {"order": ["A-1", None], "due": due},
    ]
    assert own[3:6] == [{}, {"order": "own"}, {}]
    assert rows[0]["status"] == "SUCCESS"
    assert '"status":"new"' in rows[0]["input_value"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"order": "A-1"}, [3, 1]),
        ({"order": ["A-2", "own"]}, [5, 2]),
        ({"order__like": "A-*"}, [3, 2, 1]),
        ({"order__not_equal": "A-1", "amount__gt": 0}, [2]),
        ({"amount": "500"}, [2]),
        ({"amount__lt": 100}, [1]),
        ({"card": {"ok": True, "number": "4"}}, [2]),
        ({"amount": None, "order": "A-1"}, [3]),
    ],
)
def test_captured_arguments_are_filtered_by(asked, filters, found):
    assert numbers(find(asked, filters=filters)) == found


def test_captured_arguments_are_sorted_by(asked):
    assert numbers(find(asked, order=Order("amount"), limit=2)) == [2, 1]


@pytest.mark.parametrize(
    ("name", "says"),
    [("amout", "did you mean 'amount'"), ("inner", "unknown"), ("messages", "unknown")],
)
def test_what_no_call_was_given_is_refused(asked, name, says):
    with pytest.raises(InvalidInputError, match=says):
        find(asked, filters={name: 1})
