"""The query string as a question: what is searched by meaning, and under which filter.

::

    either   = all { "OR" all }
    all      = one { [ "AND" ] one }
    one      = ( "-" | "NOT" ) one | "(" either ")" | condition | "phrase" | word

A word that stands for itself is searched by meaning; one that `OR` or `NOT` takes hold of has
to decide yes or no, so it is matched exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from otel_vector.errors import InvalidQueryError
from otel_vector.services.query_ids import exact_text
from otel_vector.services.query_lexer import Key, Kind, Token, Value, at, tokens
from otel_vector.services.query_terms import (
    ALIASES,
    HAS,
    MAX_CHARS,
    MAX_CONDITIONS,
    MAX_DEPTH,
    MEANING,
    SCOPES,
    attribute_of,
    compared,
    conjunction,
    disjunction,
    pointing_at,
)
from otel_vector.spans.filters import (
    BuiltIn,
    Compare,
    Exists,
    Field,
    Filter,
    Not,
    Op,
    Phrase,
    Scope,
)

__all__ = ["Question", "parse", "parse_filter"]


@dataclass(frozen=True, slots=True)
class Question:
    """A query, understood.

    Attributes:
        words: what is searched by meaning; empty for a plain listing.
        filter: what restricts it; None for nothing.
        exact: the phrases that have to occur, for showing; `filter` includes them.
    """

    words: str = ""
    filter: Filter | None = None
    exact: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Word:
    text: str


@dataclass(frozen=True, slots=True)
class _All:
    nodes: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Any:
    nodes: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _None:
    node: _Node


_Node = _Word | _All | _Any | _None | Filter


def parse(text: str) -> Question:
    """Return a query string as a question.

    Raises:
        InvalidQueryError: with the place, and what to write instead.
    """
    if len(text) > MAX_CHARS:
        raise InvalidQueryError(f"a query of {len(text)} characters; {MAX_CHARS} at most")
    parts = list(_conjuncts(_Parser(text).parsed()))
    words = " ".join(part.text for part in parts if isinstance(part, _Word))
    filters = [_as_filter(part) for part in parts if not isinstance(part, _Word)]
    exact = tuple(f.text for f in filters if isinstance(f, Phrase))
    return Question(words, conjunction(filters) if filters else None, exact)


def parse_filter(text: str) -> Filter | None:
    """Return a query string that holds conditions only; None for an empty one.

    Raises:
        InvalidQueryError: it cannot be read, or has words that are no conditions.
    """
    question = parse(text)
    if question.words:
        raise InvalidQueryError(
            f"{question.words!r} are words, and a filter takes conditions; "
            'write key:value, or "words" in quotes to match them exactly'
        )
    return question.filter


def _conjuncts(node: _Node) -> Iterator[_Node]:
    """Yield what has to hold all at once; identifiers among the words become phrases."""
    if isinstance(node, _All):
        for part in node.nodes:
            yield from _conjuncts(part)
    elif isinstance(node, _Word):
        exact = exact_text(node.text)
        yield node if exact is None else Phrase(exact)
    else:
        yield node


def _as_filter(node: _Node) -> Filter:
    match node:
        case _Word(text):
            return Phrase(exact_text(text) or text)
        case _All(nodes):
            return conjunction([_as_filter(part) for part in nodes])
        case _Any(nodes):
            return disjunction([_as_filter(part) for part in nodes])
        case _None(inner):
            return Not(_as_filter(inner))
        case _:
            return node


class _Parser:
    """Recursive descent over the tokens of one query."""

    def __init__(self, query: str) -> None:
        self._tokens = list(tokens(query))
        self._next = 0
        self._conditions = 0

    def parsed(self) -> _Node:
        if self._peek().kind is Kind.END:
            return _All(())
        node = self._either(0)
        if self._peek().kind is not Kind.END:
            raise at(self._peek().position, "a ) closes nothing; remove it or put it in quotes")
        return node

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._peek()
        self._next += 1
        return token

    def _either(self, depth: int) -> _Node:
        nodes = [self._all(depth)]
        while self._peek().kind is Kind.OR:
            self._take()
            nodes.append(self._all(depth))
        return _Any(tuple(nodes)) if len(nodes) > 1 else nodes[0]

    def _all(self, depth: int) -> _Node:
        nodes = [self._one(depth)]
        while self._peek().kind not in {Kind.OR, Kind.CLOSE, Kind.END}:
            if self._peek().kind is Kind.AND:
                self._take()
            nodes.append(self._one(depth))
        return _All(tuple(nodes)) if len(nodes) > 1 else nodes[0]

    def _one(self, depth: int) -> _Node:
        token = self._take()
        if depth > MAX_DEPTH:
            raise at(token.position, f"nested deeper than {MAX_DEPTH} levels; write it flatter")
        match token.kind:
            case Kind.NOT:
                return _None(self._one(depth + 1))
            case Kind.OPEN:
                return self._bracket(token, depth + 1)
            case Kind.TERM | Kind.PHRASE | Kind.WORD:
                return self._condition(token)
            case _:
                raise _misplaced(token)

    def _bracket(self, opening: Token, depth: int) -> _Node:
        node = self._either(depth)
        if self._take().kind is not Kind.CLOSE:
            raise at(opening.position, "a ( is not closed; add ) or put it in quotes")
        return node

    def _condition(self, token: Token) -> _Node:
        if token.kind is Kind.WORD:
            return _Word(token.text)
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise at(token.position, f"more than {MAX_CONDITIONS} conditions; use key:(a, b, …)")
        try:
            return _phrase(token.text) if token.kind is Kind.PHRASE else _term(token)
        except InvalidQueryError as error:
            raise at(token.position, str(error)) from error


def _misplaced(token: Token) -> InvalidQueryError:
    if token.kind is Kind.END:
        return at(token.position, "the query ends where a condition should follow; add one")
    shown = {Kind.CLOSE: ")", Kind.AND: "AND", Kind.OR: "OR"}[token.kind]
    return at(token.position, f'{shown} has nothing before it; write a condition, or "{shown}"')


def _phrase(text: str) -> Filter:
    if not text:
        raise InvalidQueryError("a phrase is empty; write what has to occur between the quotes")
    return Phrase(text)


def _term(token: Token) -> Filter:
    key, values = token.key, token.values
    name = "" if key.quoted else key.text
    if name in {HAS, MEANING} and token.op not in {"=", "!="}:
        raise InvalidQueryError(f"{name} takes a colon: {name}:…")
    if name == HAS:
        found = disjunction([Exists(_field(Key(v.text, quoted=v.quoted))) for v in values])
    elif name == MEANING:
        found = pointing_at([v.text for v in values])
    else:
        found = _comparison(_field(key), token.op, values)
    return Not(found) if token.op == "!=" else found


def _field(key: Key) -> Field:
    if key.quoted:
        return attribute_of(key.text, SCOPES.get(key.scope, Scope.ANY))
    if key.text in ALIASES:
        return ALIASES[key.text]
    if key.text in set(BuiltIn):
        return BuiltIn(key.text)
    scope, _, rest = key.text.partition(".")
    if scope in SCOPES and rest:
        return attribute_of(rest, SCOPES[scope])
    return attribute_of(key.text, Scope.ANY)


def _comparison(field: Field, op: str, values: tuple[Value, ...]) -> Filter:
    if op == "~":
        return compared(field, Op.CONTAINS, [value.text for value in values])
    if op not in {"=", "!="}:
        return compared(field, Op(op), [value.text for value in values])
    groups: dict[Op | None, list[str]] = {}
    for value in values:
        kind, text = _pattern(value)
        groups.setdefault(kind, []).append(text)
    return disjunction([_group(field, kind, texts) for kind, texts in groups.items()])


def _group(field: Field, kind: Op | None, texts: list[str]) -> Compare | Exists:
    return Exists(field) if kind is None else compared(field, kind, texts)


def _pattern(value: Value) -> tuple[Op | None, str]:
    """Return how a value is compared; None for the star that stands for any value."""
    text = value.text
    if value.quoted:
        return (Op.PREFIX if value.star else Op.EQ), text
    inner = text.strip("*")
    if text and not inner:
        return None, ""
    if "*" in inner or (text.startswith("*") and not text.endswith("*")):
        raise InvalidQueryError(
            f"a star stands at the end (key:GET*) or at both ends (key:*get*), not as in "
            f"{text!r}; put the value in quotes if the star is meant"
        )
    if text.startswith("*"):
        return Op.CONTAINS, inner
    return (Op.PREFIX if text.endswith("*") else Op.EQ), inner
