"""The examples of docs/query-language.md are true."""

import json
import re
from pathlib import Path

import pytest

from otel_vector.errors import InvalidQueryError
from otel_vector.services.query import filter_from_json, parse, parse_filter, to_text
from otel_vector.services.query_terms import MAX_CHARS, MAX_CONDITIONS, MAX_DEPTH, MAX_VALUES

_PAGE = (Path(__file__).parents[2] / "docs" / "query-language.md").read_text()


def _rows(header: str) -> list[list[str]]:
    table = _PAGE.split(f"\n{header}\n")[1].split("\n\n")[0].splitlines()[1:]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in table]
    return [[cell.strip("`") if cell.startswith("`") else cell for cell in row] for row in cells]


_CONDITIONS = [row[0] for row in _rows("| query | finds what |")]


@pytest.mark.parametrize("query", _CONDITIONS)
def test_each_example_is_a_condition_that_can_be_written_back(query):
    condition = parse_filter(query)
    assert condition is not None
    assert parse_filter(to_text(condition)) == condition


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("service:checkout", "service=checkout"),
        ("name:*cart*", "name~cart"),
        ("has:user.id", "user.id:*"),
        ("NOT has:user.id", "-has:user.id"),
        ("status:error AND kind:client", "status:error kind:client"),
        ("-healthcheck", '-"healthcheck"'),
        ("http.route!=/health", "-http.route:/health"),
        ("trace_id:" + "a" * 32, "trace:" + "A" * 32),
        ("timeout OR refused", '"timeout" OR "refused"'),
    ],
)
def test_what_the_page_calls_the_same_is_the_same(one, other):
    assert parse(one) == parse(other)


@pytest.mark.parametrize(("query", "words", "exactly"), _rows("| query | words | exactly |"))
def test_identifiers_are_told_from_words(query, words, exactly):
    question = parse(query)
    assert question.words == words
    assert " ".join(question.exact) == exactly


@pytest.mark.parametrize(("query", "message"), _rows("| query | error |"))
def test_each_error_says_where_and_what_to_write(query, message):
    with pytest.raises(InvalidQueryError) as caught:
        parse(query)
    assert str(caught.value) == message


def test_the_json_example_is_a_filter():
    example = json.loads(_PAGE.split("```json\n")[1].split("```")[0])
    assert to_text(filter_from_json(example)) == (
        "service:checkout http.response.status_code>=500 resource.k8s.pod.name:(cart-*, shop-*) "
        '("card declined" OR has:user.id) -duration<200ms meaning:0123456789abcdef'
    )


def test_the_limits_are_told():
    told = (
        f"at most {MAX_CHARS:,} characters, {MAX_CONDITIONS} conditions, {MAX_DEPTH} levels "
        f"and {MAX_VALUES:,} values"
    )
    assert told in " ".join(_PAGE.split())
