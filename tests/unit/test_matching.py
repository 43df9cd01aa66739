"""What a filter means, at its edges; the store's suites run the plain cases."""

import pytest
from hypothesis import given

from otel_vector.spans.filters import (
    And,
    Attribute,
    BuiltIn,
    Compare,
    Exists,
    Not,
    Op,
    Or,
    Phrase,
    PointsAt,
    Where,
)
from otel_vector.spans.matching import compile_filter, compile_where, holds, matches
from otel_vector.testing.builders import T0_NS, LogRow, SpanRow, item_of, meaning_of
from otel_vector.testing.store_properties import filters, span_rows


def _with(value):
    return item_of(SpanRow(attributes={"key": value}))


def _compare(op, *values):
    return Compare(Attribute("key"), op, values)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (500, "500"),
        (500, "500.0"),
        (500, "5e2"),
        (500, "+500"),
        (500.0, "500"),
        ("500", "500"),
        (2**53 + 1, "9007199254740993"),
        (-0.0, "0"),
        (True, "true"),
        (b"gold", "Z29sZA=="),
        (None, ""),
        ("", ""),
        ([1, ["x", 2.5]], "2.5"),
        ([1, ["x", 2.5]], '[1,["x",2.5]]'),
        ({"b": 1, "a": [None]}, '{"a":[null],"b":1}'),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_a_value_equals(value, text):
    assert matches(_compare(Op.EQ, text), _with(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("500.0", "500"),
        ("500", "500.0"),
        ("Gold", "gold"),
        (" 500", "500"),
        (500, " 500"),
        (float(2**53), "9007199254740993"),
        (True, "1"),
        (1, "true"),
        ({"a": 1}, "1"),
        (b"gold", "gold"),
        (None, "null"),
        ("٣", "3"),
    ],
)
def test_a_value_does_not_equal(value, text):
    assert not matches(_compare(Op.EQ, text), _with(value))


@pytest.mark.parametrize(
    ("value", "op", "bound", "expected"),
    [
        (5, Op.GT, "4.5", True),
        ("5", Op.GT, "4.5", True),
        ("5 ms", Op.GT, "4.5", False),
        (5, Op.GT, "many", False),
        (float("nan"), Op.LE, "1e300", False),
        (float("inf"), Op.GT, "1e300", True),
        (2**63 - 1, Op.LT, "9223372036854775808", True),
        (True, Op.GT, "0", False),
        ([1, 9], Op.GT, "5", True),
        ([1, 9], Op.LT, "1", False),
        ({"a": 9}, Op.GT, "5", False),
    ],
)
def test_a_range_compares_numbers(value, op, bound, expected):
    assert matches(_compare(op, bound), _with(value)) is expected


def test_several_bounds_are_alternatives():
    condition = _compare(Op.LT, "3", "many", "7")
    assert [matches(condition, _with(n)) for n in (2, 5, 7)] == [True, True, False]


@pytest.mark.parametrize(
    ("value", "phrase", "expected"),
    [
        (["a", {"b": ["the card was declined"]}], "card was", True),
        ({"secret key": 1}, "secret key", False),
        (500, "500", True),
        (500.0, "500", True),
        (1500, "500", False),
        ("1500", "500", True),
        (True, "true", False),
        (b"gold", "gold", False),
        ("anything", "", True),
        ("naïve 💳", "ïve 💳", True),
    ],
)
def test_a_phrase_occurs_in_values(value, phrase, expected):
    assert matches(Phrase(phrase), _with(value)) is expected


def test_a_phrase_in_hex_is_compared_with_the_ids():
    item = item_of(SpanRow(trace=0xABC, span=0xDEF, parent=0x123, name="x"))
    assert matches(Phrase(item.trace_hex.upper()), item)
    assert matches(Phrase(item.span_hex), item)
    assert not matches(Phrase(item.parent_hex), item)
    assert not matches(Phrase(item.trace_hex[:20]), item)


def test_a_key_is_found_however_often_it_occurs():
    item = item_of(SpanRow(attributes={"key": 1}, resource={"key": 2}))
    assert matches(And((_compare(Op.EQ, "1"), _compare(Op.EQ, "2"))), item)


def test_logs_have_an_unspecified_kind_and_no_severity_unless_given():
    bare, fatal = item_of(LogRow()), item_of(LogRow(severity=21))
    assert matches(Compare(BuiltIn.KIND, Op.EQ, ("unspecified",)), bare)
    assert not matches(Exists(BuiltIn.SEVERITY), bare)
    assert matches(Compare(BuiltIn.SEVERITY, Op.GE, ("17",)), fatal)


def test_meanings_of_an_item_are_looked_at():
    text = ("error", "card declined")
    item = item_of(SpanRow(means=(text,)))
    assert matches(PointsAt((1, meaning_of(text).id)), item)
    assert not matches(PointsAt((1,)), item)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where(), True),
        (Where(since_ns=T0_NS, until_ns=T0_NS + 1), True),
        (Where(since_ns=T0_NS + 1), False),
        (Where(until_ns=T0_NS), False),
        (Where(runs=("test",)), False),
        (Where(runs=()), True),
        (Where(Phrase("nowhere")), False),
    ],
)
def test_a_restriction_has_times_runs_and_a_filter(where, expected):
    assert holds(where, item_of(SpanRow())) is expected


@given(filters(), span_rows())
def test_not_is_the_complement_and_a_compiled_filter_can_be_asked_again(condition, row):
    item = item_of(row)
    test = compile_filter(condition)
    assert test(item) is test(item) is not matches(Not(condition), item)


@given(filters(), filters(), span_rows())
def test_and_or_not_follow_de_morgan(one, other, row):
    item = item_of(row)
    both, neither = Not(And((one, other))), Or((Not(one), Not(other)))
    assert matches(both, item) == matches(neither, item)
    assert compile_where(Where(both, runs=()))(item) == matches(both, item)
