"""A query read: one spanset of conditions, joined by && and ||.

A Pratt parser: what stands left of an operator is taken as far as the operator binds. Whatever
else TraceQL has is refused by a sentence that names it and its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from otel_vector.errors import InvalidQueryError
from otel_vector.services.query_lexer import at
from otel_vector_collector.tempo.traceql.checks import compared, existing
from otel_vector_collector.tempo.traceql.expressions import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Comparison,
    Existence,
    Expression,
    Literal,
    Operator,
    Type,
)
from otel_vector_collector.tempo.traceql.tokens import END, Token, tokens

__all__ = ["MAX_CHARS", "MAX_CONDITIONS", "MAX_DEPTH", "parse"]

MAX_CHARS: Final = 10_000
MAX_CONDITIONS: Final = 500
MAX_DEPTH: Final = 32

_POWERS: Final = {"||": 1, "&&": 2, **{op.value: 3 for op in Operator}}
_ARITHMETIC: Final = frozenset("+-*/%^")
_UNKNOWN: Final = frozenset({"parent", "nestedSetLeft", "nestedSetRight", "nestedSetParent"})
_ONE: Final = "a query is one spanset: { … }"

_BEFORE: Final = Token(0, END)

_Side = Expression | Token


def parse(query: str) -> Expression:
    """Return what a query says; of an empty one, everything.

    Raises:
        InvalidQueryError: it cannot be read, or asks for what is not understood; says where.
    """
    if len(query) > MAX_CHARS:
        raise InvalidQueryError(
            f"a query has at most {MAX_CHARS:,} characters, not {len(query):,}"
        )
    return _Parser(tokens(query)).query() if query.strip() else EVERYTHING


@dataclass(slots=True)
class _Parser:
    """Reads one query from its first token on."""

    _tokens: Iterator[Token]
    _depth: int = 0
    _count: int = 0
    _next: Token = _BEFORE

    def query(self) -> Expression:
        self._advance()
        if self._next.text != "{":
            raise at(self._next.position, f"{self._next.text!r} is not understood; {_ONE}")
        self._advance()
        side = EVERYTHING if self._next.text == "}" else self._side(0)
        if self._next.text != "}":
            raise at(self._next.position, _unexpected(self._next))
        found = self._condition(side)
        self._advance()
        if self._next.text != END:
            raise self._refused_behind()
        return found

    def _advance(self) -> Token:
        """Return the token in front and go on to the next."""
        token, self._next = self._next, next(self._tokens)
        return token

    def _side(self, power: int) -> _Side:
        """Return what stands before an operator that binds no tighter than a power."""
        left = self._operand()
        while _POWERS.get(self._next.text, 0) > power:
            operator = self._advance()
            right = self._side(_POWERS[operator.text])
            left = self._joined(left, operator, right)
        return left

    def _operand(self) -> _Side:
        token = self._advance()
        if token.text == "(":
            return self._grouped(token)
        if token.text == "-" and isinstance(self._next.meant, Literal):
            return self._negative(token)
        if token.text == "!":
            raise at(token.position, "! is not understood; write != or !~, or = nil")
        if token.meant is None and not token.is_nil:
            raise at(token.position, _unexpected(token))
        return token

    def _grouped(self, opening: Token) -> _Side:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise at(opening.position, f"brackets are nested more than {MAX_DEPTH} times")
        inside = self._side(0)
        if self._next.text != ")":
            is_end = self._next.text in {"}", END}
            why = "a ( is not closed; add )" if is_end else _unexpected(self._next)
            raise at(opening.position if is_end else self._next.position, why)
        self._advance()
        self._depth -= 1
        return inside

    def _negative(self, sign: Token) -> Token:
        token = self._advance()
        value = token.meant.value if isinstance(token.meant, Literal) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise at(sign.position, "- stands before numbers and durations alone")
        return Token(sign.position, f"-{token.text}", Literal(Type.NUMBER, -value))

    def _joined(self, left: _Side, operator: Token, right: _Side) -> Expression:
        if operator.text == "&&":
            return AllOf((*self._parts(left, AllOf), *self._parts(right, AllOf)))
        if operator.text == "||":
            return AnyOf((*self._parts(left, AnyOf), *self._parts(right, AnyOf)))
        if not isinstance(left, Token) or not isinstance(right, Token):
            raise at(operator.position, f"{operator.text} compares a field with a value")
        self._count += 1
        if self._count > MAX_CONDITIONS:
            raise at(operator.position, f"a query has at most {MAX_CONDITIONS} conditions")
        return _comparison(left, operator, right)

    def _parts(self, side: _Side, kind: type[AllOf | AnyOf]) -> tuple[Expression, ...]:
        """Return a side as parts of a junction of the same kind."""
        found = self._condition(side)
        return found.items if isinstance(found, kind) else (found,)

    def _condition(self, side: _Side) -> Expression:
        if not isinstance(side, Token):
            return side
        is_value = isinstance(side.meant, Literal) or side.is_nil
        how = "a field with it" if is_value else f"it, as in {side.text} != nil"
        raise at(side.position, f"{side.text} alone is no condition; compare {how}")

    def _refused_behind(self) -> InvalidQueryError:
        """Return the error for what follows the spanset."""
        token = self._advance()
        if token.text == "|":
            what = f"a pipeline (| {self._next.text})"
        elif token.text in {"&&", "||"}:
            what = f"{token.text} between spansets"
        elif token.meant is None and not token.text.isidentifier():
            what = f"the structural operator {token.text}"
        else:
            what = repr(token.text)
        return at(token.position, f"{what} is not understood; {_ONE}")


def _comparison(left: Token, operator: Token, right: Token) -> Comparison | Existence:
    """Return a condition; the field may stand on either side, except before a regex."""
    if right.is_nil or left.is_nil:
        field = left if right.is_nil else right
        return existing(field, operator)
    if isinstance(left.meant, Literal):
        return compared(right, Operator(operator.text), left, operator.position, turned=True)
    return compared(left, Operator(operator.text), right, operator.position)


def _unexpected(token: Token) -> str:
    if token.text == END:
        return "the query ends too early; close it with }"
    if token.text in _ARITHMETIC:
        return f"arithmetic ({token.text}) is not understood; compare a field with a value"
    if token.text in _POWERS:
        return f"{token.text} stands between a field and a value, or two conditions"
    if token.text in _UNKNOWN:
        return f"{token.text} is not understood: it takes the tree of spans"
    if token.text.isidentifier():
        return (
            f"{token.text} is neither a field nor a value; attributes begin with a dot or a "
            f"scope, as in .{token.text} or span.{token.text}, and texts are in quotes"
        )
    return f'{token.text} is not expected here; write conditions such as span.http.route = "/"'
