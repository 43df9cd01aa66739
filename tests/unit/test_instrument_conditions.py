"""Filters decide on rows, and what the store is asked for leaves out nothing that they let through."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_vector.canonical.encode import text_of
from otel_vector.errors import InvalidInputError
from otel_vector.instrument.conditions import conditions_of, holds
from otel_vector.instrument.narrowing import narrowed
from otel_vector.instrument.plain_words import plain_words
from otel_vector.instrument.rows import execution_row, named_values
from otel_vector.services.query import filter_from_json, parse
from otel_vector.spans.matching import matches
from otel_vector.testing.builders import Event, SpanRow, item_of

ROW = {
    "name": "pay", "amount": 5000, "ratio": 0.5, "vip": True, "missing": None, "tags": ["a", "b"],
    "card": {"brand": "v", "number": "4"},
    "timestamp_utc": "2026-11-21T10:00:00.000001+00:00",
}  # fmt: skip


@pytest.mark.parametrize(
    ("filters", "is_so"),
    [
        ({"name": "pay"}, True),
        ({"name": "Pay"}, False),
        ({"name": ["cart", "pay"]}, True),
        ({"name": []}, False),
        ({"name__not_equal": "cart"}, True),
        ({"name__not_equal": ["cart", "pay"]}, False),
        ({"name__like": "p*"}, True),
        ({"name__like": "?a?"}, True),
        ({"name__like": "a"}, True),
        ({"name__like": "%ay"}, True),
        ({"name__like": "a*"}, False),
        ({"name__like": ["x*", "*y"]}, True),
        ({"missing__like": "*"}, False),
        ({"amount": 5000}, True),
        ({"amount": "5000"}, True),
        ({"amount": 5000.0}, True),
        ({"amount__gt": 4999}, True),
        ({"amount__gt": 5000}, False),
        ({"amount__gte": 5000}, True),
        ({"amount__lt": 10_000}, True),
        ({"amount__lte": 4_000}, False),
        ({"amount__gt": "4000"}, True),
        ({"ratio__lt": 1}, True),
        ({"vip": True}, True),
        ({"vip": "true"}, True),
        ({"vip": 1}, False),
        ({"missing": None}, True),
        ({"name": None}, False),
        ({"missing__gt": 1}, False),
        ({"missing__not_equal": 3}, True),
        ({"tags": "b"}, True),
        ({"tags": [["a", "b"]]}, True),
        ({"tags__like": "?"}, True),
        ({"tags__like": "ab"}, False),
        ({"card": {"number": "4", "brand": "v"}}, True),
        ({"card": {"number": "5"}}, False),
        ({"card__like": '*"number":"4"*'}, True),
        ({"name__gt": "a"}, True),
        ({"name__gt": 3}, False),
        ({"timestamp_utc": "2026-11-21T10:00:00.000001Z"}, True),
        ({"timestamp_utc__gte": "2026-11-21"}, True),
        ({"timestamp_utc__lt": "2026-11-21T10:00:00Z"}, False),
        ({"name": "pay", "amount": 1}, False),
        ({}, True),
    ],
)
def test_a_filter_decides_on_a_row(filters, is_so):
    assert all(holds(condition, ROW) for condition in conditions_of(filters)) == is_so


@pytest.mark.parametrize(
    "filters",
    [{"amount__gt": [1, 2]}, {"name__like": 3}, {"timestamp_utc__gt": "soon"}, {"a__lt": None}],
)
def test_a_filter_that_cannot_be_is_refused(filters):
    with pytest.raises(InvalidInputError):
        conditions_of(filters)


NAMES = st.sampled_from(["pay", "shop.pay", "Cart.pay", "pay_all", "GET /pay", ""])
VALUES = st.one_of(
    st.booleans(), st.integers(-3, 3), st.floats(-3, 3), st.text("abp.*?%0", max_size=4)
)
CAPTURED = st.recursive(
    st.one_of(
        VALUES, st.none(), st.floats(), st.text('ab"\\é', max_size=4), st.binary(max_size=2)
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=1), inner),
    max_leaves=4,
)


@st.composite
def spans(draw):
    own = draw(st.dictionaries(st.sampled_from(["team", "status", "user_id"]), VALUES))
    attributes = {
        f"otel_vector.{draw(st.sampled_from(['tag', 'argument']))}.{k}": v for k, v in own.items()
    }
    if draw(st.booleans()):
        given = st.dictionaries(st.sampled_from(["team", "status", 'a"b']), CAPTURED)
        attributes["input.value"] = text_of(draw(given))
    if draw(st.booleans()):
        attributes["code.function.name"] = draw(NAMES)
    if draw(st.booleans()):
        attributes["otel_vector.error.code"] = draw(NAMES)
    if draw(st.booleans()):
        attributes["error.type"] = draw(NAMES)
    return item_of(
        SpanRow(
            name=draw(NAMES),
            service=draw(st.sampled_from(["shop", "1.0", ""])),
            scope=draw(st.sampled_from(["otel_vector", "openai"])),
            parent=draw(st.integers(0, 2)),
            status=draw(st.sampled_from([0, 1, 2])),
            status_message=draw(NAMES),
            events=draw(
                st.sampled_from([(), (Event("exception", {"exception.message": "a.b"}),)])
            ),
            duration_ns=draw(st.integers(0, 3_000_000)),
            attributes=attributes,
        )
    )


FIELDS = (
    *("function_name", "status", "duration_ms", "error_code", "error_message", "trace_id"),
    *("parent_span_id", "team", "user_id", "otel_vector.tag.team", "return_value"),
    *("function_uuid", "timestamp_utc", "service_name", 'a"b'),
)


@st.composite
def filters(draw):
    name = draw(st.sampled_from(FIELDS))
    suffix = draw(st.sampled_from(["", "__like", "__gt", "__gte", "__lt", "__lte", "__not_equal"]))
    if name == "timestamp_utc" and suffix != "__like":
        return {
            name + suffix: draw(
                st.sampled_from(["2024-01-01", "2999-01-01", "2023-11-14T22:13:20Z"])
            )
        }
    if suffix == "__like":
        return {name + suffix: draw(st.text('abpy.*?%0"é{:', max_size=3))}
    several = suffix in {"", "__not_equal"}
    many = st.lists(st.one_of(VALUES, CAPTURED), max_size=2) if several else VALUES
    named = st.sampled_from(["ERROR", "SUCCESS", "pay", "shop/shop.pay"])
    return {name + suffix: draw(st.one_of(many, VALUES, named))}


@given(spans(), filters())
def test_the_store_is_asked_for_all_that_fulfils_a_filter(item, wanted):
    try:
        conditions = conditions_of(wanted)
    except InvalidInputError:
        return
    values = named_values(item, execution_row(item))
    if not all(holds(condition, values) for condition in conditions):
        return
    asked = narrowed(conditions, ("all",))
    for condition in asked.filters:
        assert matches(filter_from_json(condition), item), (wanted, condition)
    assert asked.until_ns is None or item.start_ns < asked.until_ns
    assert asked.since_ns is None or item.end_ns >= asked.since_ns


@pytest.mark.parametrize(
    "text",
    [
        "User payment processing feature",
        "def pay(amount: int) -> bool",
        "order-8837 failed, see 550e8400-e29b-41d4-a716-446655440000",
        'a "quoted phrase" status:error AND NOT x',
        "http://localhost:8317/v1/search?x=1 2024-01-05 12345678",
        "snake_case camelCase ünïcode 数据",
        "",
    ],
)
def test_plain_words_hold_no_condition(text):
    assert parse(plain_words(text)).filter is None


@given(st.text(max_size=60))
def test_no_text_at_all_becomes_a_condition(text):
    assert parse(plain_words(text)).filter is None


@given(st.text("ab*?%.\n", max_size=8), st.text("ab.\n", max_size=12))
def test_like_is_what_its_wildcards_say(pattern, text):
    wild = pattern if re.search(r"[*?%]", pattern) else f"*{pattern}*"
    plain = "".join({"*": ".*", "%": ".*", "?": "."}.get(c, re.escape(c)) for c in wild)
    wanted = re.fullmatch(plain, text, re.DOTALL) is not None
    assert holds(conditions_of({"said__like": pattern})[0], {"said": text}) == wanted


def test_like_takes_no_longer_for_one_pattern_than_for_another():
    (condition,) = conditions_of({"said__like": "*a" * 50 + "*b"})
    assert not holds(condition, {"said": "a" * 5_000})
