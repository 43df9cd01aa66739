"""An expression as a filter of the store: it holds of every span that matches, perhaps of more.

What a filter says exactly, it says exactly; the rest is evaluated on the spans it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from otel_vector.spans.filters import (
    And,
    Attribute,
    BuiltIn,
    Compare,
    Exists,
    Filter,
    Not,
    Op,
    Or,
    Phrase,
)
from otel_vector.spans.values import number_form
from otel_vector_collector.tempo.traceql.expressions import (
    NEGATIVE,
    AllOf,
    Comparison,
    Existence,
    Expression,
    Field,
    Intrinsic,
    Literal,
    Operator,
    Type,
)
from otel_vector_collector.tempo.traceql.regexes import Plain, plain
from otel_vector_collector.tempo.traceql.values import is_service

__all__ = ["covering", "roots_covering"]

_BUILT_INS: Final[Mapping[Field, BuiltIn]] = MappingProxyType(
    {
        Intrinsic.NAME: BuiltIn.NAME,
        Intrinsic.STATUS: BuiltIn.STATUS,
        Intrinsic.KIND: BuiltIn.KIND,
        Intrinsic.TRACE_ID: BuiltIn.TRACE,
        Intrinsic.SPAN_ID: BuiltIn.SPAN,
        Intrinsic.PARENT_ID: BuiltIn.PARENT,
        Intrinsic.SCOPE_NAME: BuiltIn.SCOPE,
        Intrinsic.SCOPE_VERSION: BuiltIn.SCOPE_VERSION,
    }
)
_OF_ROOTS: Final[Mapping[Field, BuiltIn]] = MappingProxyType(
    {Intrinsic.ROOT_NAME: BuiltIn.NAME, Intrinsic.ROOT_SERVICE: BuiltIn.SERVICE}
)
_OPTIONAL: Final = frozenset({BuiltIn.SERVICE, BuiltIn.PARENT})
"""Built-ins whose empty text is no value."""

_WORDS: Final = frozenset({Intrinsic.STATUS_MESSAGE, Intrinsic.EVENT_NAME})
"""Texts that phrases are looked up in."""

_RANGES: Final[Mapping[Operator, Op]] = MappingProxyType(
    {Operator.LT: Op.LT, Operator.LE: Op.LE, Operator.GT: Op.GT, Operator.GE: Op.GE}
)


def covering(expression: Expression) -> Filter | None:
    """Return the filter of an expression; None where it restricts nothing."""
    return _covering(expression, _condition)


def roots_covering(expression: Expression) -> Filter | None:
    """Return what a span without a parent fulfils in the trace of every span that matches."""
    return _covering(expression, _of_root)


def _covering(
    expression: Expression, of_condition: Callable[[Comparison | Existence], Filter | None]
) -> Filter | None:
    if isinstance(expression, Comparison | Existence):
        return of_condition(expression)
    parts = [_covering(item, of_condition) for item in expression.items]
    bounds = tuple(part for part in parts if part is not None)
    if isinstance(expression, AllOf):
        return (And(bounds) if len(bounds) > 1 else bounds[0]) if bounds else None
    return Or(bounds) if len(bounds) == len(parts) else None


def _condition(condition: Comparison | Existence) -> Filter | None:
    if isinstance(condition, Comparison):
        return _comparison(condition)
    return _existence(condition.field, exists=condition.exists)


def _of_root(condition: Comparison | Existence) -> Filter | None:
    built_in = _OF_ROOTS.get(condition.field)
    if built_in is None or not isinstance(condition, Comparison):
        return None
    return _of_built_in(built_in, condition)


def _existence(field: Field, *, exists: bool) -> Filter | None:
    if isinstance(field, Attribute) and not is_service(field):
        return Exists(field) if exists else Not(Exists(field))
    built_in = _built_in(field)
    if built_in not in _OPTIONAL:
        return None
    return Not(_empty(built_in)) if exists else _empty(built_in)


def _empty(built_in: BuiltIn) -> Filter:
    """Return that there is no value; unlike `Exists` it can be told by indexes."""
    return Compare(built_in, Op.EQ, ("",))


def _comparison(condition: Comparison) -> Filter | None:
    field = condition.field
    if built_in := _built_in(field):
        return _of_built_in(built_in, condition)
    if field is Intrinsic.DURATION:
        return _of_duration(condition)
    if field in _WORDS:
        return _of_words(condition)
    return _of_attribute(field, condition) if isinstance(field, Attribute) else None


def _built_in(field: Field) -> BuiltIn | None:
    return BuiltIn.SERVICE if is_service(field) else _BUILT_INS.get(field)


def _of_built_in(built_in: BuiltIn, condition: Comparison) -> Filter | None:
    """Built-ins are single texts: what equals is told exactly, and so is its opposite."""
    if condition.literal.type in {Type.NUMBER, Type.BOOLEAN}:
        return Or(())
    there = Not(_empty(built_in)) if built_in in _OPTIONAL else None
    said = _said(condition)
    if said is None:
        return there
    equal = Compare(built_in, said.op, said.texts)
    if condition.op in NEGATIVE:
        return Not(equal) if there is None else And((there, Not(equal)))
    return equal if there is None or all(said.texts) else And((there, equal))


def _said(condition: Comparison) -> Plain | None:
    """Return what a text is compared with; None where no filter can say it."""
    text = str(condition.literal.value)
    if condition.op in {Operator.EQ, Operator.NE}:
        return Plain(Op.EQ, (text,))
    return plain(text) if condition.op in {Operator.RE, Operator.NRE} else None


def _of_duration(condition: Comparison) -> Filter | None:
    """Filters compare whole nanoseconds from zero on."""
    bound = condition.literal.value
    if not isinstance(bound, int) or bound < 0:
        return None
    if condition.op in {Operator.EQ, Operator.NE}:
        equal = Compare(BuiltIn.DURATION, Op.EQ, (str(bound),))
        return equal if condition.op is Operator.EQ else Not(equal)
    return Compare(BuiltIn.DURATION, _RANGES[condition.op], (str(bound),))


def _of_words(condition: Comparison) -> Filter | None:
    said = _said(condition) if condition.op not in NEGATIVE else None
    return Or(tuple(map(Phrase, said.texts))) if said is not None else None


def _of_attribute(field: Attribute, condition: Comparison) -> Filter:
    """Filters know no types, so they find more than is meant."""
    read = _READERS[condition.literal.type]
    found = read(field, condition) if condition.op not in NEGATIVE else None
    return found or Exists(field)


def _text(field: Attribute, condition: Comparison) -> Filter | None:
    said = _said(condition)
    return Compare(field, said.op, said.texts) if said is not None else None


def _number(field: Attribute, condition: Comparison) -> Filter:
    op = Op.EQ if condition.op is Operator.EQ else _RANGES[condition.op]
    return Compare(field, op, (_number_text(condition.literal),))


def _number_text(literal: Literal) -> str:
    assert not isinstance(literal.value, str)
    return number_form(literal.value)


def _truth(field: Attribute, condition: Comparison) -> Filter:
    return Compare(field, Op.EQ, ("true" if condition.literal.value else "false",))


_READERS: Final[Mapping[Type, Callable[[Attribute, Comparison], Filter | None]]] = (
    MappingProxyType({Type.TEXT: _text, Type.NUMBER: _number, Type.BOOLEAN: _truth})
)
