"""Queries and filters: any text is understood or refused, and what is written reads back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_vector.errors import InvalidQueryError
from otel_vector.services.query import (
    Question,
    filter_from_json,
    filter_to_json,
    parse,
    parse_filter,
    to_text,
)
from otel_vector.services.query_terms import (
    MAX_CHARS,
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_VALUES,
    conjunction,
    disjunction,
)
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
    Scope,
)

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_SOME_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
_TEXTS = st.lists(_TEXT, min_size=1, max_size=3).map(tuple)
_NUMBERS = st.lists(
    st.one_of(st.integers(-(2**70), 2**70).map(str), st.sampled_from(["1.5", "-.5", "5e2"])),
    min_size=1,
    max_size=2,
).map(tuple)
_SPECIAL = st.sampled_from(
    [
        "service",
        "has",
        "meaning",
        "AND",
        "trace_id",
        "event.name",
        "a b",
        'q"',
        "span",
        "resource.",
    ]
)
_ATTRIBUTE = st.builds(Attribute, st.one_of(_SOME_TEXT, _SPECIAL), st.sampled_from(Scope))
_TEXT_OP = st.sampled_from([Op.EQ, Op.PREFIX, Op.CONTAINS])
_RANGE_OP = st.sampled_from([Op.LT, Op.LE, Op.GT, Op.GE])


def _one_of(values):
    return st.lists(st.sampled_from(values), min_size=1, max_size=2).map(tuple)


_DURATIONS = st.lists(st.integers(0, 2**64).map(str), min_size=1, max_size=2).map(tuple)
_LEAVES = st.one_of(
    st.builds(Compare, _ATTRIBUTE, _TEXT_OP, _TEXTS),
    st.builds(Compare, _ATTRIBUTE, _RANGE_OP, _NUMBERS),
    st.builds(
        Compare,
        st.sampled_from([BuiltIn.SERVICE, BuiltIn.NAME, BuiltIn.SCOPE]),
        _TEXT_OP,
        _TEXTS,
    ),
    st.builds(Compare, st.just(BuiltIn.STATUS), st.just(Op.EQ), _one_of(["ok", "error"])),
    st.builds(Compare, st.just(BuiltIn.KIND), st.just(Op.EQ), _one_of(["client", "server"])),
    st.builds(Compare, st.just(BuiltIn.RUN), st.just(Op.EQ), _one_of(["live", "self"])),
    st.builds(
        Compare, st.just(BuiltIn.DURATION), st.one_of(_RANGE_OP, st.just(Op.EQ)), _DURATIONS
    ),
    st.builds(Compare, st.just(BuiltIn.SEVERITY), _RANGE_OP, _one_of(["1", "17"])),
    st.builds(Compare, st.just(BuiltIn.TRACE), st.just(Op.EQ), _one_of(["0a" * 16, "f" * 32])),
    st.builds(Compare, st.just(BuiltIn.PARENT), st.just(Op.EQ), _one_of(["", "f" * 16])),
    st.builds(Compare, st.just(BuiltIn.SPAN), st.just(Op.PREFIX), _one_of(["", "0f"])),
    st.builds(Exists, st.one_of(_ATTRIBUTE, st.sampled_from(BuiltIn))),
    st.builds(Phrase, _SOME_TEXT),
    st.builds(PointsAt, st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=2).map(tuple)),
)
_FILTERS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


def _flat(condition):
    """Return a filter without the levels that brackets cannot show."""
    match condition:
        case And(items):
            return conjunction([_flat(item) for item in items])
        case Or(items):
            return disjunction([_flat(item) for item in items])
        case Not(inner):
            return Not(_flat(inner))
    return condition


@given(_FILTERS)
def test_what_is_written_as_text_reads_as_the_same_filter(condition):
    assert parse_filter(to_text(condition)) == _flat(condition)


@given(_FILTERS)
def test_what_is_written_as_json_reads_as_the_same_filter(condition):
    written = json.loads(json.dumps(filter_to_json(condition)))
    assert filter_from_json(written) == condition


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused(text):
    try:
        question = parse(text)
    except InvalidQueryError as error:
        assert str(error)
    else:
        assert isinstance(question, Question)


@given(st.text('ab:="()-~<>!*\\, .1ANDOR\n', max_size=40))
def test_any_use_of_the_language_signs_is_understood_or_refused(text):
    try:
        question = parse(text)
    except InvalidQueryError:
        return
    if question.filter is not None:
        assert parse_filter(to_text(question.filter)) == question.filter


_FORMS = ["and", "or", "not", "has", "phrase", "meanings", "else"]
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from([*_FORMS, "field", "attribute", "value", "values", "op", "scope"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=10,
)


@given(_JSON)
def test_any_json_is_understood_or_refused(value):
    try:
        condition = filter_from_json(value)
    except InvalidQueryError as error:
        assert str(error).startswith("filter")
    else:
        assert filter_from_json(filter_to_json(condition)) == condition


def test_words_and_conditions_are_parted():
    question = parse('why does checkout fail service:checkout "card declined" for gold users')
    assert question == Question(
        "why does checkout fail for gold users",
        And((Compare(BuiltIn.SERVICE, Op.EQ, ("checkout",)), Phrase("card declined"))),
        ("card declined",),
    )


def test_an_empty_query_asks_for_everything():
    assert parse("  ") == Question("", None, ())
    assert parse_filter("") is None


@pytest.mark.parametrize(
    "words",
    [
        "TypeError: undefined is not a function",
        "at main() in std::vector<int>",
        "12:30:45 was when it broke",
        "it's -5 degrees -- really -> yes",
        r"C:\temp is full",
        "and or not in lower case",
        "what [if anything] broke?",
    ],
)
def test_plain_language_is_left_alone(words):
    assert parse(words) == Question(words, None)


def test_brackets_around_words_are_taken_away():
    assert parse("what (if anything) broke") == Question("what if anything broke", None)


def test_a_duration_is_brought_to_nanoseconds():
    condition = parse_filter("duration>=1.5ms")
    assert condition == Compare(BuiltIn.DURATION, Op.GE, ("1500000",))
    assert to_text(condition) == "duration>=1500us"


def test_a_severity_name_stands_for_its_numbers():
    assert parse_filter("severity:error").values == ("17", "18", "19", "20")
    assert parse_filter("severity>warn").values == ("16",)
    assert parse_filter("severity<=warn").values == ("16",)
    assert parse_filter("severity<warn").values == ("13",)


def test_a_quoted_name_is_an_attribute_as_it_stands():
    assert parse_filter('"service":x').field == Attribute("service")
    assert parse_filter('"event.name":x').field == Attribute("event.name")
    assert parse_filter("event.name:x").field == Attribute("name", Scope.EVENT)
    assert parse_filter('event."a b":x').field == Attribute("a b", Scope.EVENT)


def test_values_of_different_kinds_in_one_list_are_alternatives():
    name = BuiltIn.NAME
    assert parse_filter('name:(GET*, "a, b", POST*)') == Or(
        (Compare(name, Op.PREFIX, ("GET", "POST")), Compare(name, Op.EQ, ("a, b",)))
    )


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("a" * (MAX_CHARS + 1), "10000 at most"),
        ('"x" ' * (MAX_CONDITIONS + 1), "more than 500 conditions"),
        ("(" * 40 + '"x"' + ")" * 40, "nested deeper than 32"),
        ("NOT " * 40 + '"x"', "nested deeper than 32"),
        ("a:(b" + ",c" * MAX_VALUES + ")", "1000 at most"),
        ('service:"\ud800"', "lone surrogate"),
        ('""', "a phrase is empty"),
        ('"":x', "key is empty"),
        ("service>5", "service is text"),
        ("status~err", "one of a few words"),
        ("duration>0.5ns", "fraction of a nanosecond"),
        ("meaning:12", "16 hex digits"),
        ("has>5", "takes a colon"),
        ("status:error)", "at character 13: a ) closes nothing"),
        ("a:*b", "a star stands at the end"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_reason(query, part):
    with pytest.raises(InvalidQueryError) as caught:
        parse(query)
    assert part in str(caught.value)


def test_a_filter_takes_no_words():
    with pytest.raises(InvalidQueryError, match="are words"):
        parse_filter("status:error please")


@pytest.mark.parametrize("condition", [And(()), Or(()), Phrase(""), PointsAt(()), Not(Or(()))])
def test_what_has_no_text_form_says_so(condition):
    if condition == And(()):
        assert to_text(condition) == ""
        return
    with pytest.raises(InvalidQueryError, match="JSON form"):
        to_text(condition)


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ([], "a filter is an object"),
        ({}, "a filter is an object"),
        ({"phrase": "a", "also": 1}, "filter: 'also' does not belong here"),
        ({"field": "service", "value": "a", "extra": 1}, "'extra' does not belong here"),
        ({"field": "service"}, 'either "value" or "values"'),
        ({"field": "service", "value": "a", "values": []}, 'either "value" or "values"'),
        ({"field": "service", "attribute": "a", "value": 1}, 'either a "field" or an "attribute"'),
        ({"field": "service", "scope": "span", "value": "a"}, "only an attribute has a scope"),
        ({"field": "colour", "value": "a"}, "filter.field: 'colour' is unknown"),
        ({"attribute": "a", "op": "~", "value": "a"}, "filter.op: '~' is unknown"),
        ({"attribute": "a", "value": None}, "a text is expected here, not NoneType"),
        ({"attribute": "a", "value": float("nan")}, "a text is expected here, not float"),
        ({"attribute": "a", "values": []}, "compared with nothing"),
        ({"attribute": "a", "op": ">", "value": "high"}, "compares numbers"),
        ({"and": {"phrase": "a"}}, "filter.and: a list is expected"),
        ({"and": [{"phrase": 5}]}, "filter.and[0].phrase: a text is expected"),
        ({"or": [{"phrase": "a"}, {"field": "status", "value": "x"}]}, "filter.or[1]: 'x' is no"),
        ({"meanings": []}, "0 meanings"),
    ],
)
def test_json_is_read_strictly_and_says_where(value, part):
    with pytest.raises(InvalidQueryError) as caught:
        filter_from_json(value)
    assert part in str(caught.value)


def test_json_is_bounded_in_depth_and_conditions():
    deep = {"phrase": "x"}
    for _ in range(MAX_DEPTH + 1):
        deep = {"not": deep}
    with pytest.raises(InvalidQueryError, match="nested deeper"):
        filter_from_json(deep)
    with pytest.raises(InvalidQueryError, match="more than 500"):
        filter_from_json({"or": [{"phrase": "x"}] * (MAX_CONDITIONS + 1)})


def test_json_values_are_texts_numbers_and_booleans():
    read = filter_from_json({"attribute": "a", "values": ["x", 5, 0.5, True]})
    assert read == Compare(Attribute("a"), Op.EQ, ("x", "5", "0.5", "true"))
    duration = filter_from_json({"field": "duration", "op": ">", "value": 5_000_000})
    assert duration == parse_filter("duration>5ms")
