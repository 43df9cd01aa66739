"""Query parameters of Tempo's API, read as Tempo reads them: moments are whole seconds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from otel_vector.errors import InvalidQueryError
from otel_vector.services.query_terms import MAX_CONDITIONS
from otel_vector.spans.filters import Attribute
from otel_vector.spans.items import STATUSES
from otel_vector.spans.values import number_of
from otel_vector_collector.tempo.traceql.expressions import (
    AllOf,
    AnyOf,
    Comparison,
    Existence,
    Expression,
    Field,
    Intrinsic,
    Literal,
    Operator,
    Type,
)
from otel_vector_collector.tempo.traceql.literals import QUOTED, duration_ns, unquoted
from otel_vector_collector.tempo.traceql.meaning import MEANING
from otel_vector_collector.tempo.traceql.parser import parse

__all__ = [
    "MOST_TRACES",
    "Asked",
    "Window",
    "search_of",
    "trace_id_of",
    "whole_number",
    "window_of",
]

MOST_TRACES: Final = 10_000
MOST_SPANS: Final = 10_000

_TRACES: Final = 20
_SPANS: Final = 3
_SECOND_NS: Final = 1_000_000_000
_TRACE_DIGITS: Final = 32
_PAIR: Final = re.compile(rf'\s*([^\s="]+)(?:=({QUOTED.pattern}|[^\s"]*))?(?=\s|$)')

Given = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Window:
    """When spans start: not before one moment, and before another; None for any."""

    since_ns: int | None = None
    until_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A search.

    Attributes:
        expression: what a span has to fulfil.
        window: when it starts.
        traces: at most so many.
        spans: shown of a trace, at most so many.
    """

    expression: Expression
    window: Window
    traces: int
    spans: int


def search_of(given: Given) -> Asked:
    """Return the search of `/api/search`.

    Raises:
        InvalidQueryError: a parameter cannot be read, or the query is not understood.
    """
    query, tags = given.get("q", ""), given.get("tags", "")
    if query and tags:
        raise InvalidQueryError("q and tags cannot be given together; write all of it in q")
    conditions = [*_parts(parse(query)), *_tags(tags), *_durations(given)]
    return Asked(
        AllOf(tuple(conditions)),
        window_of(given),
        whole_number(given, "limit", _TRACES, MOST_TRACES),
        whole_number(given, "spss", _SPANS, MOST_SPANS, least=0) or MOST_SPANS,
    )


def window_of(given: Given) -> Window:
    """Return the window of `start` and `end`, in seconds since the epoch, both inclusive.

    Raises:
        InvalidQueryError: one of them is no moment, or they are in the wrong order.
    """
    start, end = (
        whole_number(given, name, 0, (1 << 32) - 1, least=0) for name in ("start", "end")
    )
    if end and end <= start:
        raise InvalidQueryError(f"start has to be before end, not {start} and {end}")
    return Window(start * _SECOND_NS or None, (end + 1) * _SECOND_NS if end else None)


def trace_id_of(text: str) -> bytes:
    """Return the 16 bytes of a trace's id, which may lack leading zeros.

    Raises:
        InvalidQueryError: it is not 1 to 32 hex digits.
    """
    if not 0 < len(text) <= _TRACE_DIGITS or not re.fullmatch(r"[0-9a-fA-F]+", text):
        raise InvalidQueryError(f"a trace id is 1 to 32 hex digits, not {text[:80]!r}")
    return bytes.fromhex(text.rjust(_TRACE_DIGITS, "0"))


def whole_number(given: Given, name: str, default: int, most: int, least: int = 1) -> int:
    """Return a parameter that is a whole number; its default if it is left out or empty.

    Raises:
        InvalidQueryError: it is none, or out of bounds.
    """
    text = given.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,18}", text) or not least <= int(text) <= most:
        raise InvalidQueryError(
            f"{name} is a whole number from {least} to {most}, not {text[:40]!r}"
        )
    return int(text)


def _parts(expression: Expression) -> tuple[Expression, ...]:
    return expression.items if isinstance(expression, AllOf) else (expression,)


def _durations(given: Given) -> list[Expression]:
    """Return the bounds of a trace's duration."""
    bounds = {"minDuration": Operator.GE, "maxDuration": Operator.LE}
    return [
        Comparison(
            Intrinsic.TRACE_DURATION, op, Literal(Type.NUMBER, duration_ns(given.get(name, "")))
        )
        for name, op in bounds.items()
        if given.get(name)
    ]


def _tags(text: str) -> list[Expression]:
    """Return the conditions of a search in logfmt: `service.name=shop error=true`."""
    found: dict[str, Expression] = {}
    position = 0
    while text[position:].strip():
        pair = _PAIR.match(text, position)
        if pair is None:
            raise InvalidQueryError(
                f"tags cannot be read at character {position + 1}; write them as key=value "
                'key="a value"'
            )
        key, value, inside = pair.groups()
        if key in found:
            raise InvalidQueryError(f"tags have {key[:80]!r} twice")
        found[key] = _tag(key, unquoted(inside) if inside is not None else value)
        position = pair.end()
    if len(found) > MAX_CONDITIONS:
        raise InvalidQueryError(f"tags are at most {MAX_CONDITIONS}, not {len(found)}")
    return list(found.values())


def _tag(key: str, value: str | None) -> Expression:
    """Return a condition; without types, a value is whatever reads so."""
    if value is None:
        return Existence(Attribute(key), exists=True)
    if key == MEANING:
        return _equals(Attribute(key), Type.TEXT, value)
    if key in _SPECIAL:
        return _SPECIAL[key](value)
    forms: list[Expression] = [_equals(Attribute(key), Type.TEXT, value)]
    number = number_of(value)
    if number is not None:
        forms.append(_equals(Attribute(key), Type.NUMBER, number))
    if value in {"true", "false"}:
        forms.append(_equals(Attribute(key), Type.BOOLEAN, value == "true"))
    return AnyOf(tuple(forms))


def _equals(field: Field, kind: Type, value: str | float) -> Comparison:
    return Comparison(field, Operator.EQ, Literal(kind, value))


def _text_of(field: Field) -> Callable[[str], Expression]:
    return lambda value: _equals(field, Type.TEXT, value)


def _status(value: str) -> Expression:
    if value not in STATUSES:
        raise InvalidQueryError(f"status.code is one of {', '.join(STATUSES)}, not {value[:80]!r}")
    return _equals(Intrinsic.STATUS, Type.STATUS, value)


def _error(value: str) -> Expression:
    own = _equals(Attribute("error"), Type.BOOLEAN, value == "true")
    text = _equals(Attribute("error"), Type.TEXT, value)
    return AnyOf((_status("error"), own, text) if value == "true" else (own, text))


_SPECIAL: Final[Mapping[str, Callable[[str], Expression]]] = MappingProxyType(
    {
        "name": _text_of(Intrinsic.NAME),
        "root.name": _text_of(Intrinsic.ROOT_NAME),
        "root.service.name": _text_of(Intrinsic.ROOT_SERVICE),
        "status.code": _status,
        "error": _error,
    }
)
