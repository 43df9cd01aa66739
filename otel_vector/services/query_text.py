"""A filter written back as a query string, so that what is shown can be typed again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from otel_vector.errors import InvalidQueryError
from otel_vector.services.query_terms import ALIASES, HAS, MEANING, SCOPES, UNITS_NS
from otel_vector.spans.filters import (
    And,
    BuiltIn,
    Compare,
    Exists,
    Field,
    Filter,
    Not,
    Op,
    Or,
    Phrase,
    PointsAt,
    Scope,
)
from otel_vector.spans.ids import MeaningId, meaning_hex

__all__ = ["to_text"]

_BARE_KEY: Final = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_.\-/@$]*[A-Za-z0-9_$])?")
_BARE_VALUE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_TAKEN: Final = frozenset({HAS, MEANING, "AND", "OR", "NOT", *ALIASES, *BuiltIn})
_SIGNS: Final = {Op.EQ: ":", Op.PREFIX: ":", Op.CONTAINS: "~"}


def to_text(condition: Filter) -> str:
    """Return a filter as a query string that reads as the same filter.

    Raises:
        InvalidQueryError: the filter has no text form: an empty `or`, phrase or list.
    """
    if isinstance(condition, And):
        return " ".join(_inner(item) for item in condition.items)
    if isinstance(condition, Or) and condition.items:
        return " OR ".join(_inner(item) for item in condition.items)
    return _inner(condition)


def _inner(condition: Filter) -> str:
    """Return a filter as one unit, in brackets where it needs them."""
    match condition:
        case And(items) | Or(items) if items:
            return f"({to_text(condition)})"
        case Not(inner):
            text = _inner(inner)
            return f"-({text})" if text.startswith("-") else f"-{text}"
        case Phrase(text) if text:
            return _quoted(text)
        case Exists(field):
            key = _key(field)
            return f"{key}:*" if '"' in key else f"{HAS}:{key}"
        case PointsAt(meanings) if meanings:
            return f"{MEANING}:{_listed([meaning_hex(MeaningId(m)) for m in meanings])}"
        case Compare(field, op, values) if values:
            sign = _SIGNS.get(op, op.value)
            return f"{_key(field)}{sign}{_listed([_value(field, op, v) for v in values])}"
        case _:
            raise InvalidQueryError("an empty condition has no text form; use the JSON form")


def _key(field: Field) -> str:
    if isinstance(field, BuiltIn):
        return field.value
    plain = bool(_BARE_KEY.fullmatch(field.key))
    if field.scope is not Scope.ANY:
        return f"{field.scope.value}.{field.key if plain else _quoted(field.key)}"
    scoped = field.key.partition(".")[0] in SCOPES
    return field.key if plain and not scoped and field.key not in _TAKEN else _quoted(field.key)


def _listed(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"({', '.join(values)})"


def _value(field: Field, op: Op, value: str) -> str:
    if field is BuiltIn.DURATION:
        return _duration(int(value))
    text = value if _BARE_VALUE.fullmatch(value) else _quoted(value)
    return f"{text}*" if op is Op.PREFIX else text


def _duration(nanoseconds: int) -> str:
    """Return a duration in the largest unit that keeps it whole."""
    unit = max((u for u in UNITS_NS if nanoseconds % UNITS_NS[u] == 0), key=UNITS_NS.__getitem__)
    return f"{nanoseconds // UNITS_NS[unit]}{unit}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
