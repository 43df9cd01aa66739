"""An expression evaluated on spans.

Values are compared by their type, as Tempo does: a text with texts, a number with numbers of
either kind, true and false with each other. What is of another type fulfils nothing, neither `=`
nor `!=`. Of several values, or elements of an array, any has to fulfil `=`, `=~` and the four
orders, and none the opposite of `!=` and `!~`, where at least one can be compared.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from otel_vector.services.finding import Refinement
from otel_vector.spans.items import Item
from otel_vector_collector.tempo.traceql.covering import roots_covering
from otel_vector_collector.tempo.traceql.expressions import (
    EVERYTHING,
    NEGATIVE,
    OF_TRACE,
    AllOf,
    AnyOf,
    Comparison,
    Existence,
    Expression,
    Literal,
    Operator,
    Type,
    conditions,
)
from otel_vector_collector.tempo.traceql.regexes import compiled
from otel_vector_collector.tempo.traceql.values import (
    NO_WHOLE,
    Scalar,
    Value,
    Whole,
    scalars,
    values_of,
    whole_of,
)

__all__ = ["compile_expression", "refinement_of"]

Test = Callable[[Item, Whole | None], bool]

_COMPARE: Final[Mapping[Operator, Callable[[Any, Any], bool]]] = MappingProxyType(
    {
        Operator.EQ: operator.eq,
        Operator.NE: operator.eq,
        Operator.GT: operator.gt,
        Operator.GE: operator.ge,
        Operator.LT: operator.lt,
        Operator.LE: operator.le,
    }
)
"""Of a negative operator its opposite."""


def refinement_of(expression: Expression) -> Refinement | None:
    """Return an expression for searches to evaluate; None for one that everything fulfils."""
    if expression == EVERYTHING:
        return None
    test = compile_expression(expression)

    def possible(item: Item) -> bool:
        return test(item, None)

    if not any(condition.field in OF_TRACE for condition in conditions(expression)):
        return Refinement(possible, lambda _: possible)

    def within(spans: Sequence[Item]) -> Callable[[Item], bool]:
        whole = whole_of(spans) if spans else NO_WHOLE
        return lambda item: test(item, whole)

    return Refinement(possible, within, roots_covering(expression))


def compile_expression(expression: Expression) -> Test:
    """Return what tells whether a span in its trace fulfils an expression.

    Without the trace, conditions on it count as fulfilled.
    """
    match expression:
        case AllOf(items):
            every = [compile_expression(item) for item in items]
            return lambda item, whole: all(test(item, whole) for test in every)
        case AnyOf(items):
            some = [compile_expression(item) for item in items]
            return lambda item, whole: any(test(item, whole) for test in some)
        case Existence() | Comparison():
            return _condition(expression)


def _condition(condition: Comparison | Existence) -> Test:
    read, test = values_of(condition.field), _values_test(condition)
    if condition.field in OF_TRACE:
        return lambda item, whole: whole is None or test(read(item, whole))
    return lambda item, whole: test(read(item, whole or NO_WHOLE))


def _values_test(condition: Comparison | Existence) -> Callable[[Iterable[Value]], bool]:
    if isinstance(condition, Existence):
        exists = condition.exists
        return lambda values: any(True for _ in values) is exists
    holds, is_comparable = _scalar_test(condition), _IS_OF[condition.literal.type]
    if condition.op in NEGATIVE:
        return lambda values: _none_of(values, is_comparable, holds)
    return lambda values: any(
        is_comparable(scalar) and holds(scalar) for value in values for scalar in scalars(value)
    )


def _none_of(
    values: Iterable[Value],
    is_comparable: Callable[[Scalar], bool],
    holds: Callable[[Scalar], bool],
) -> bool:
    """Return whether there are comparable values, and none for which something holds."""
    found = False
    for scalar in (scalar for value in values for scalar in scalars(value)):
        if is_comparable(scalar):
            if holds(scalar):
                return False
            found = True
    return found


def _scalar_test(condition: Comparison) -> Callable[[Scalar], bool]:
    literal: Literal = condition.literal
    if condition.op in _COMPARE:
        compare, wanted = _COMPARE[condition.op], literal.value
        return lambda scalar: compare(scalar, wanted)
    regex = compiled(str(literal.value))
    return lambda scalar: regex.fullmatch(scalar) is not None


def _is_text(scalar: Scalar) -> bool:
    return isinstance(scalar, str)


def _is_number(scalar: Scalar) -> bool:
    return type(scalar) in {int, float}


def _is_truth(scalar: Scalar) -> bool:
    return isinstance(scalar, bool)


_IS_OF: Final[Mapping[Type, Callable[[Scalar], bool]]] = MappingProxyType(
    {
        Type.TEXT: _is_text,
        Type.NUMBER: _is_number,
        Type.BOOLEAN: _is_truth,
        Type.STATUS: _is_text,
        Type.KIND: _is_text,
    }
)
