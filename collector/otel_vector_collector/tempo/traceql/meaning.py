"""`meaning` in a query: words to search by, which no span has as an attribute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from otel_vector.errors import InvalidQueryError
from otel_vector.spans.filters import Attribute, Scope
from otel_vector_collector.tempo.traceql.expressions import (
    EVERYTHING,
    AllOf,
    Comparison,
    Expression,
    Field,
    Operator,
    Type,
    conditions,
)

__all__ = ["MEANING", "Asked", "asked", "is_meaning"]

MEANING: Final = "meaning"

_HOW: Final = 'ask it once, beside the other conditions: { span.meaning = "…" && … }'


@dataclass(frozen=True, slots=True)
class Asked:
    """A query in two parts.

    Attributes:
        meaning: words to search by; empty for none.
        rest: what spans have to fulfil.
    """

    meaning: str
    rest: Expression


def is_meaning(field: Field) -> bool:
    """Return whether a field is no attribute but a question."""
    return field in {Attribute(MEANING, Scope.SPAN), Attribute(MEANING)}


def asked(expression: Expression) -> Asked:
    """Return a query with its question taken out.

    Raises:
        InvalidQueryError: the question is not asked in the one way it can be.
    """
    parts = expression.items if isinstance(expression, AllOf) else (expression,)
    questions = [part for part in parts if isinstance(part, Comparison) and is_meaning(part.field)]
    if len(questions) != sum(is_meaning(condition.field) for condition in conditions(expression)):
        raise InvalidQueryError(f"meaning cannot be one of several alternatives; {_HOW}")
    if len(questions) > 1:
        raise InvalidQueryError(f"there is more than one question by meaning; {_HOW}")
    if not questions:
        return Asked("", expression)
    rest = tuple(part for part in parts if part is not questions[0])
    single = rest[0] if len(rest) == 1 else AllOf(rest) if rest else EVERYTHING
    return Asked(_words(questions[0]), single)


def _words(question: Comparison) -> str:
    words = str(question.literal.value).strip()
    if question.op is not Operator.EQ or question.literal.type is not Type.TEXT or not words:
        raise InvalidQueryError(f"meaning is a question and takes = and a text; {_HOW}")
    return words
