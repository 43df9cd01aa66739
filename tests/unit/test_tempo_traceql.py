"""TraceQL as it is read: what a query means, and what each refused query is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_vector.errors import InvalidQueryError
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
    Scope,
)
from otel_vector_collector.tempo.traceql.covering import covering
from otel_vector_collector.tempo.traceql.expressions import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Comparison,
    Existence,
    Intrinsic,
    Literal,
    Operator,
    Type,
)
from otel_vector_collector.tempo.traceql.parser import MAX_CHARS, MAX_CONDITIONS, MAX_DEPTH, parse


def text(field, value, op=Operator.EQ):
    return Comparison(field, op, Literal(Type.TEXT, value))


A, B, C = (text(Attribute(key), key) for key in "abc")


@pytest.mark.parametrize("query", ["", "  ", "{}", "{ }", "\n{\n}\n"])
def test_an_empty_query_is_for_everything(query):
    assert parse(query) == EVERYTHING


@pytest.mark.parametrize(
    ("query", "expression"),
    [
        ('{.a="a" && .b="b" && .c="c"}', AllOf((A, B, C))),
        ('{.a="a" || .b="b" && .c="c"}', AnyOf((A, AllOf((B, C))))),
        ('{(.a="a" || .b="b") && .c="c"}', AllOf((AnyOf((A, B)), C))),
        ('{((.a="a"))}', A),
        ('{"a"=.a}', A),
        ("{500<.a}", Comparison(Attribute("a"), Operator.GT, Literal(Type.NUMBER, 500))),
        ("{.a=nil}", Existence(Attribute("a"), exists=False)),
        ("{nil!=.a}", Existence(Attribute("a"), exists=True)),
    ],
)
def test_operators_bind_as_they_do_in_traceql(query, expression):
    assert parse(query) == expression


@pytest.mark.parametrize(
    ("written", "field"),
    [
        (".http.route", Attribute("http.route")),
        ("span.http.route", Attribute("http.route", Scope.SPAN)),
        ("resource.k8s.pod/name", Attribute("k8s.pod/name", Scope.RESOURCE)),
        ("event.exception-type", Attribute("exception-type", Scope.EVENT)),
        ("link.a:b", Attribute("a:b", Scope.LINK)),
        ("instrumentation.x", Attribute("x", Scope.INSTRUMENTATION)),
        ('span."foo bar"', Attribute("foo bar", Scope.SPAN)),
        ('span.foo."b = \\"c\\\\"', Attribute('foo.b = "c\\', Scope.SPAN)),
        (".span.name", Attribute("span.name")),
        ("name", Intrinsic.NAME),
        ("span:statusMessage", Intrinsic.STATUS_MESSAGE),
        ("statusMessage", Intrinsic.STATUS_MESSAGE),
        ("trace:rootService", Intrinsic.ROOT_SERVICE),
        ("rootServiceName", Intrinsic.ROOT_SERVICE),
        ("instrumentation:version", Intrinsic.SCOPE_VERSION),
    ],
)
def test_fields_are_attributes_of_a_scope_or_intrinsics(written, field):
    assert parse(f'{{{written}="x"}}') == text(field, "x")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('"a\\"b\\\\\\n\\t\\u00e9\\x41\\101"', 'a"b\\\n\té' + "AA"),
        ('`a\\n"b`', 'a\\n"b'),
        ("5", 5),
        ("-5", -5),
        (".5", 0.5),
        ("1.5e3", 1500.0),
        ("9223372036854775807", 2**63 - 1),
        ("1.5s", 1_500_000_000),
        ("1h30m", 5_400_000_000_000),
        ("2d", 2 * 86_400 * 10**9),
        ("500us", 500_000),
        ("500µs", 500_000),
        ("-100ms", -100_000_000),
        ("true", True),
    ],
)
def test_values_are_written_as_in_go(written, value):
    literal = parse(f"{{.a={written}}}").literal
    assert (literal.value, type(literal.value)) == (value, type(value))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("{.a=1} | rate()", "at character 8: a pipeline (| rate) is not understood; a query is one spanset: { … }"),
        ("{} | count() > 2", "at character 4: a pipeline (| count) is not understood"),
        ("{.a=1} && {.b=1}", "at character 8: && between spansets is not understood"),
        ("{.a=1} >> {.b=1}", "at character 8: the structural operator >> is not understood"),
        ("{.a=1} !~ {.b=1}", "at character 8: the structural operator !~ is not understood"),
        ("{.a=1} &>> {.b=1}", "at character 8: the structural operator &>> is not understood"),
        ("{} with (most_recent=true)", "at character 4: 'with' is not understood"),
        ("count() > 2", "at character 1: 'count' is not understood; a query is one spanset"),
        ("({} | rate()) * 2", "at character 1: '(' is not understood"),
        ("true", "at character 1: 'true' is not understood"),
        ("{ parent.a = 1 }", "at character 3: parent. is not understood: all conditions are on one span"),
        ("{ parent = nil }", "at character 3: parent is not understood: it takes the tree of spans"),
        ("{ nestedSetParent < 0 }", "at character 3: nestedSetParent is not understood"),
        ("{ span:unknown = 1 }", "at character 3: span:unknown is not understood; there are event:name"),
        ("{ !(.a=1) }", "at character 3: ! is not understood; write != or !~, or = nil"),
        ("{ .a + 1 = 2 }", "at character 6: arithmetic (+) is not understood"),
        ("{ .a = 1 * 2 }", "at character 10: arithmetic (*) is not understood"),
        ("{ .a = .b }", "at character 6: = compares two fields"),
        ("{ 1 = 1 }", "at character 5: = compares two values"),
        ("{ .a }", "at character 3: .a alone is no condition; compare it, as in .a != nil"),
        ("{ true }", "at character 3: true alone is no condition; compare a field with it"),
        ("{ .a = 1 = 2 }", "at character 10: = compares a field with a value"),
        ("{ .a == 1 }", "at character 7: = stands between a field and a value"),
        ("{ .a = }", "at character 8: } is not expected here"),
        ("{ && .a = 1 }", "at character 3: && stands between a field and a value, or two conditions"),
        ("{ .a = 1 .b = 2 }", "at character 10: .b is not expected here"),
        ("{ attribute = 4 }", "at character 3: attribute is neither a field nor a value; attributes begin with a dot"),
        ('{ .a = "x }', 'at character 8: a text is not closed; end it with "'),
        ("{ .a = `x }", "at character 8: a text is not closed; end it with `"),
        ('{ span."a = 1 }', "at character 3: a quoted key is not closed"),
        ("{ . = 1 }", "at character 3: an attribute's key is missing after the dot"),
        ("{ .a < 3", "at character 9: the query ends too early; close it with }"),
        ("{ (.a < 3 }", "at character 3: a ( is not closed; add )"),
        ("{ .a < 3 ) }", "at character 10: ) is not expected here"),
        ('{ status = "error" }', "at character 12: status is compared with one of unset, ok, error, without quotes"),
        ("{ kind = error }", "at character 10: kind is compared with one of unspecified, internal"),
        ("{ status > ok }", "at character 10: > does not compare a status, as ok is"),
        ('{ duration > "1s" }', "at character 14: duration is compared with a number or a duration"),
        ("{ name = 5 }", "at character 10: name is compared with a text in quotes"),
        ("{ .a = server }", 'at character 8: server without quotes is a value of status or kind alone; write "server"'),
        ("{ .a =~ 5 }", "at character 6: =~ does not compare a number, as 5 is"),
        ("{ .a > true }", "at character 6: > does not compare true or false, as true is"),
        ('{ .a =~ "(" }', "at character 9: the regular expression cannot be read: missing ): ("),
        ('{ "x" =~ .a }', "at character 7: the regular expression stands on the right of =~"),
        ("{ .a > nil }", "at character 6: nil takes = and !=, not >"),
        ("{ 5 = nil }", "at character 3: 5 is compared with nil; only a field can be"),
        ("{ .a = 9223372036854775808 }", "at character 8: 9223372036854775808 is too large"),
        ("{ .a = 300y }", "at character 8: '300y' is too long; a duration has at most 290 years"),
        ("{ .a = 5x }", "at character 8: '5x }' cannot be read here"),
        ('{ .a = "\\q" }', "at character 8: there is no escape '\\\\q'"),
        ('{ .a = "\\ud800" }', "at character 8: \\ud800 is no character"),
        ('{ .a = -"x" }', "at character 8: - stands before numbers and durations alone"),
    ],
)  # fmt: skip
def test_a_query_that_is_not_understood_is_told_what_and_where(query, told):
    with pytest.raises(InvalidQueryError) as caught:
        parse(query)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_queries_have_bounds():
    with pytest.raises(InvalidQueryError, match=f"at most {MAX_CHARS:,} characters"):
        parse(" " * (MAX_CHARS + 1))
    with pytest.raises(InvalidQueryError, match=f"nested more than {MAX_DEPTH} times"):
        parse("{" + "(" * (MAX_DEPTH + 1) + ".a=1" + ")" * (MAX_DEPTH + 1) + "}")
    assert parse("{" + "(" * MAX_DEPTH + '.a="a"' + ")" * MAX_DEPTH + "}") == A
    with pytest.raises(InvalidQueryError, match=f"at most {MAX_CONDITIONS} conditions"):
        parse("{" + "&&".join([".a=1"] * (MAX_CONDITIONS + 1)) + "}")


@given(st.text('{}()=!~<>&|."`\\ abspan:resource.nil15-/*,\n', max_size=40))
def test_any_text_is_read_or_refused(query):
    try:
        parse(query)
    except InvalidQueryError as error:
        assert str(error).startswith("at character ")


SERVICE = BuiltIn.SERVICE


def equal(field, *values, op=Op.EQ):
    return Compare(field, op, values)


THERE = Not(equal(SERVICE, ""))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('{resource.service.name="shop"}', equal(SERVICE, "shop")),
        ('{.service.name=~"shop|cart"}', equal(SERVICE, "shop", "cart")),
        ('{resource.service.name!="shop"}', And((THERE, Not(equal(SERVICE, "shop"))))),
        ("{resource.service.name!=nil}", THERE),
        ('{name=~"GET .*"}', equal(BuiltIn.NAME, "GET ", op=Op.PREFIX)),
        ('{name=~".*cart.*"}', equal(BuiltIn.NAME, "cart", op=Op.CONTAINS)),
        ('{name!~"a\\\\.b"}', Not(equal(BuiltIn.NAME, "a.b"))),
        ("{status!=error}", Not(equal(BuiltIn.STATUS, "error"))),
        ("{duration>=1ms}", equal(BuiltIn.DURATION, "1000000", op=Op.GE)),
        ("{.a>=500.0}", equal(Attribute("a"), "500", op=Op.GE)),
        ('{span.a=~"x|y"}', equal(Attribute("a", Scope.SPAN), "x", "y")),
        ('{.a=~"x.*z"}', Exists(Attribute("a"))),
        ('{.a!="x"}', Exists(Attribute("a"))),
        ("{.a=nil}", Not(Exists(Attribute("a")))),
        ('{statusMessage=~".*no funds.*"}', Or((Phrase("no funds"),))),
        ('{trace:id="ab"}', equal(BuiltIn.TRACE, f"{'ab':0>32}")),
        ("{span:parentID=nil}", equal(BuiltIn.PARENT, "")),
        ('{rootName="x"}', None),
        ('{rootName="x" && .a="a"}', equal(Attribute("a"), "a")),
        ('{rootName="x" || .a="a"}', None),
    ],
)  # fmt: skip
def test_what_the_store_can_tell_is_asked_of_the_store(query, found):
    assert covering(parse(query)) == found
