"""Conditions whose field, operator and value go together, or a sentence why they do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from otel_vector.services.query_lexer import at
from otel_vector.spans.items import KINDS, STATUSES
from otel_vector_collector.tempo.traceql.expressions import (
    REGEX,
    TYPES,
    Comparison,
    Existence,
    Field,
    Intrinsic,
    Literal,
    Operator,
    Type,
)
from otel_vector_collector.tempo.traceql.regexes import compiled
from otel_vector_collector.tempo.traceql.tokens import Token

__all__ = ["compared", "existing"]

_EQUAL: Final = frozenset({Operator.EQ, Operator.NE})
_ORDER: Final = frozenset({Operator.GT, Operator.GE, Operator.LT, Operator.LE})
_OPERATORS: Final[Mapping[Type, frozenset[Operator]]] = MappingProxyType(
    {
        Type.TEXT: _EQUAL | _ORDER | REGEX,
        Type.NUMBER: _EQUAL | _ORDER,
        Type.BOOLEAN: _EQUAL,
        Type.STATUS: _EQUAL,
        Type.KIND: _EQUAL,
    }
)
_HOW: Final[Mapping[Type, str]] = MappingProxyType(
    {
        Type.TEXT: "a text in quotes",
        Type.NUMBER: "a number or a duration, as 1.5s",
        Type.STATUS: f"one of {', '.join(STATUSES)}, without quotes",
        Type.KIND: f"one of {', '.join(KINDS)}, without quotes",
    }
)
_TURNED: Final[Mapping[Operator, Operator]] = MappingProxyType(
    {
        Operator.GT: Operator.LT,
        Operator.GE: Operator.LE,
        Operator.LT: Operator.GT,
        Operator.LE: Operator.GE,
    }
)
_DIGITS: Final[Mapping[Field, int]] = MappingProxyType(
    {
        Intrinsic.TRACE_ID: 32,
        Intrinsic.LINK_TRACE: 32,
        Intrinsic.SPAN_ID: 16,
        Intrinsic.PARENT_ID: 16,
        Intrinsic.LINK_SPAN: 16,
    }
)


def existing(field: Token, operator: Token) -> Existence:
    """Return whether a field has to have a value, or must have none.

    Raises:
        InvalidQueryError: it is no field, or the operator is neither = nor !=.
    """
    if field.meant is None or isinstance(field.meant, Literal):
        raise at(field.position, f"{field.text} is compared with nil; only a field can be")
    if operator.text not in _EQUAL:
        raise at(operator.position, f"nil takes = and !=, not {operator.text}")
    return Existence(field.meant, exists=operator.text == Operator.NE)


def compared(
    field: Token, op: Operator, value: Token, position: int, *, turned: bool = False
) -> Comparison:
    """Return a comparison.

    Args:
        field: what stands on one side.
        op: the operator, as it is written.
        value: what stands on the other side.
        position: of the operator.
        turned: whether the value stands on the left.

    Raises:
        InvalidQueryError: these three do not go together.
    """
    of, literal = field.meant, value.meant
    if isinstance(of, Literal) or of is None:
        raise at(position, f"{op.value} compares two values; one of them has to be a field")
    if not isinstance(literal, Literal):
        raise at(position, f"{op.value} compares two fields; one side has to be a value")
    if turned and op in REGEX:
        raise at(position, f"the regular expression stands on the right of {op.value}")
    _check_type(field, of, value, literal)
    if op not in _OPERATORS[literal.type]:
        raise at(position, f"{op.value} does not compare {literal.type.value}, as {value.text} is")
    if op in REGEX:
        compiled(str(literal.value), value.position)
    return Comparison(of, _TURNED.get(op, op) if turned else op, _padded(of, op, literal))


def _check_type(field: Token, of: Field, value: Token, literal: Literal) -> None:
    wanted = TYPES[of] if isinstance(of, Intrinsic) else None
    if wanted is not None and literal.type is not wanted:
        raise at(value.position, f"{field.text} is compared with {_HOW[wanted]}")
    if wanted is None and literal.type in {Type.STATUS, Type.KIND}:
        raise at(
            value.position,
            f"{value.text} without quotes is a value of status or kind alone; "
            f'write "{value.text}" for a text',
        )


def _padded(of: Field, op: Operator, literal: Literal) -> Literal:
    """Return an id in the length and case it is stored with; it may lack leading zeros."""
    digits = _DIGITS.get(of)
    if digits is None or op in REGEX or not literal.value:
        return literal
    return replace(literal, value=str(literal.value).lower().rjust(digits, "0"))
