"""Fields and values as a user names them, checked and brought to the form filters hold.

Shared by the query string and its JSON form, so that both refuse and accept the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from otel_vector.errors import InvalidQueryError
from otel_vector.spans.filters import (
    And,
    Attribute,
    BuiltIn,
    Compare,
    Field,
    Filter,
    Op,
    Or,
    PointsAt,
    Scope,
)
from otel_vector.spans.ids import parse_meaning_id
from otel_vector.spans.items import KINDS, STATUSES
from otel_vector.spans.meanings import RunKind
from otel_vector.spans.values import number_of

__all__ = [
    "ALIASES",
    "HAS",
    "MAX_CHARS",
    "MAX_CONDITIONS",
    "MAX_DEPTH",
    "MAX_VALUES",
    "MEANING",
    "SCOPES",
    "UNITS_NS",
    "attribute_of",
    "checked_text",
    "compared",
    "conjunction",
    "disjunction",
    "pointing_at",
]

MAX_CHARS: Final = 10_000
"""Characters of a query, and of any one value."""
MAX_CONDITIONS: Final = 500
MAX_DEPTH: Final = 32
MAX_VALUES: Final = 1000

HAS: Final = "has"
MEANING: Final = "meaning"

ALIASES: Final = {
    "trace_id": BuiltIn.TRACE,
    "span_id": BuiltIn.SPAN,
    "parent_span_id": BuiltIn.PARENT,
}
"""The names the API's answers use."""

SCOPES: Final = {scope.value: scope for scope in Scope if scope is not Scope.ANY}

UNITS_NS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}

_DURATION: Final = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)(ns|us|µs|μs|ms|s|m|h)")
_SEVERITIES: Final = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
_SEVERITY_STEPS: Final = 4  # numbers of one severity name, as OTLP counts
_CLOSED: Final[dict[Field, Sequence[str]]] = {
    BuiltIn.KIND: KINDS,
    BuiltIn.STATUS: STATUSES,
    BuiltIn.RUN: tuple(RunKind),
}
_HEX_DIGITS: Final[dict[Field, int]] = {BuiltIn.TRACE: 32, BuiltIn.SPAN: 16, BuiltIn.PARENT: 16}
_HEX: Final = re.compile(r"[0-9a-f]*")
_TEXT_OPS: Final = frozenset({Op.PREFIX, Op.CONTAINS})
_RANGE_OPS: Final = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})


def compared(field: Field, op: Op, values: Sequence[str]) -> Compare:
    """Return a comparison with its values checked and in the form filters hold.

    Raises:
        InvalidQueryError: a value the field cannot have, or an operator it does not take.
    """
    if not values:
        raise InvalidQueryError(f"{_name(field)} is compared with nothing; give it a value")
    if len(values) > MAX_VALUES:
        raise InvalidQueryError(f"{len(values)} values in one comparison; {MAX_VALUES} at most")
    for value in values:
        checked_text(value)
    return Compare(field, op, tuple(v for value in values for v in _read(field, op, value)))


def pointing_at(ids: Sequence[str]) -> PointsAt:
    """Return the filter for meanings, given by their hex ids.

    Raises:
        InvalidQueryError: an id that is not 16 hex digits.
    """
    if not 0 < len(ids) <= MAX_VALUES:
        raise InvalidQueryError(f"{len(ids)} meanings; give between 1 and {MAX_VALUES}")
    try:
        return PointsAt(tuple(parse_meaning_id(identity) for identity in ids))
    except ValueError as error:
        raise InvalidQueryError(str(error)) from error


def conjunction(items: Sequence[Filter]) -> Filter:
    """Return all of them as one filter, without a needless level."""
    flat = [part for i in items for part in (i.items if isinstance(i, And) else (i,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def disjunction(items: Sequence[Filter]) -> Filter:
    """Return any of them as one filter, without a needless level."""
    flat = [part for i in items for part in (i.items if isinstance(i, Or) else (i,))]
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def checked_text(value: str) -> str:
    """Return a text that can be looked for.

    Raises:
        InvalidQueryError: it is too long or holds a lone surrogate.
    """
    if len(value) > MAX_CHARS:
        raise InvalidQueryError(f"a value of {len(value)} characters; {MAX_CHARS} at most")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidQueryError(f"{value!r} holds a lone surrogate; send valid text") from error
    return value


def _read(field: Field, op: Op, value: str) -> tuple[str, ...]:
    """Return a value in the form filters hold; several where one name stands for them."""
    if isinstance(field, BuiltIn):
        reader = _READERS.get(field)
        if reader is not None:
            return reader(field, op, value)
        if op in _RANGE_OPS:
            raise InvalidQueryError(f"{field.value} is text, {op.value} compares numbers")
    elif op in _RANGE_OPS and number_of(value) is None:
        raise InvalidQueryError(
            f"{op.value} compares numbers and {value!r} is none; a unit is known for duration only"
        )
    return (value,)


def _duration(field: BuiltIn, op: Op, value: str) -> tuple[str, ...]:
    _refuse_text_ops(field, op)
    if value == "0":
        return ("0",)
    found = _DURATION.fullmatch(value)
    if not found:
        raise InvalidQueryError(
            f"{value!r} is no duration; write a number and its unit, ns us ms s m or h: 200ms"
        )
    nanoseconds = Decimal(found[1]) * UNITS_NS[found[2].replace("μ", "µ")]
    if nanoseconds != nanoseconds.to_integral_value():
        raise InvalidQueryError(f"{value!r} is a fraction of a nanosecond; write whole ones")
    return (str(int(nanoseconds)),)


def _severity(field: BuiltIn, op: Op, value: str) -> tuple[str, ...]:
    _refuse_text_ops(field, op)
    if value.isascii() and value.isdigit():
        return (value,)
    lowest = _SEVERITIES.get(value.lower())
    if lowest is None:
        names = ", ".join(_SEVERITIES)
        raise InvalidQueryError(f"{value!r} is no severity; write 1 to 24 or one of {names}")
    steps = range(lowest, lowest + _SEVERITY_STEPS)
    if op is Op.EQ:
        return tuple(map(str, steps))
    return (str(steps[-1] if op in {Op.GT, Op.LE} else steps[0]),)


def _closed(field: BuiltIn, op: Op, value: str) -> tuple[str, ...]:
    if op is not Op.EQ:
        raise InvalidQueryError(f"{field.value} is one of a few words; compare it with = or :")
    if value.lower() not in _CLOSED[field]:
        known = ", ".join(_CLOSED[field])
        raise InvalidQueryError(f"{value!r} is no {field.value}; write one of {known}")
    return (value.lower(),)


def _hex(field: BuiltIn, op: Op, value: str) -> tuple[str, ...]:
    digits = value.lower()
    whole = op is Op.EQ and not (field is BuiltIn.PARENT and not value)
    wanted = _HEX_DIGITS[field]
    if op in _RANGE_OPS or not _HEX.fullmatch(digits) or (whole and len(digits) != wanted):
        raise InvalidQueryError(
            f"{value!r} is no {field.value} id; write its {wanted} hex digits, "
            f"or its beginning and a star: {field.value}:4bf9*"
        )
    return (digits,)


def _refuse_text_ops(field: BuiltIn, op: Op) -> None:
    if op in _TEXT_OPS:
        raise InvalidQueryError(
            f"{field.value} is a number; compare it with = < <= > or >=, not by {op.value}"
        )


_READERS: Final[dict[BuiltIn, Callable[[BuiltIn, Op, str], tuple[str, ...]]]] = {
    BuiltIn.DURATION: _duration,
    BuiltIn.SEVERITY: _severity,
    BuiltIn.KIND: _closed,
    BuiltIn.STATUS: _closed,
    BuiltIn.RUN: _closed,
    BuiltIn.TRACE: _hex,
    BuiltIn.SPAN: _hex,
    BuiltIn.PARENT: _hex,
}


def _name(field: Field) -> str:
    return field.value if isinstance(field, BuiltIn) else field.key


def attribute_of(key: str, scope: Scope) -> Attribute:
    """Return an attribute whose key can be one.

    Raises:
        InvalidQueryError: the key is empty, too long or not valid text.
    """
    if not key:
        raise InvalidQueryError("an attribute's key is empty; write its name")
    checked_text(key)
    return Attribute(key, scope)
