"""Filters of the searches: `{"status": "ERROR", "duration_ms__gt": 200, "team": ["a", "b"]}`.

A name alone asks for equality, with a list for any of its values; a suffix asks for something
else. Every condition has to hold. Whether it does is decided here, on the row that is returned.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from time import time_ns
from typing import Any, Final

from otel_vector.errors import InvalidInputError, InvalidQueryError
from otel_vector.instrument.rows import Row
from otel_vector.spans.values import number_of

__all__ = ["TIME", "Condition", "conditions_of", "holds", "pieces_of", "text_of", "unknown_name"]

TIME: Final = "timestamp_utc"

_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_HEX: Final = frozenset({"uuid", "trace_id", "span_id", "parent_span_id"})
"""Fields whose letters are lower case in rows, however they are asked for."""
_SUFFIXES: Final = (*_ORDERS, "like", "not_equal")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition.

    Attributes:
        name: a field, captured argument or tag.
        op: `equal`, or one of the suffixes.
        values: any of which makes it hold; of `not_equal` none may be equal. Times are texts.
    """

    name: str
    op: str
    values: tuple[Any, ...]


def conditions_of(filters: Mapping[str, Any] | None) -> list[Condition]:
    """Read filters.

    Raises:
        InvalidInputError: they are no mapping, or a value cannot be compared so.
    """
    if filters is not None and not isinstance(filters, Mapping):
        raise InvalidInputError(
            f'filters are values by name, such as {{"status": "ERROR"}}, not {filters!r:.80}'
        )
    return [_condition(str(key), value) for key, value in (filters or {}).items()]


def holds(condition: Condition, row: Row) -> bool:
    """Return whether a row fulfils a condition."""
    have = row.get(condition.name)
    if condition.op in _ORDERS:
        return any(_ordered(condition.op, have, want) for want in condition.values)
    if condition.op == "like":
        return any(_like(have, want) for want in condition.values)
    equal = operator.eq if condition.name in _HEX else _equal  # an id may look like a number
    is_equal = any(equal(have, want) for want in condition.values)
    return is_equal == (condition.op == "equal")


def pieces_of(pattern: str) -> list[str]:
    """Return the literal pieces of a pattern of `like`, the longest first."""
    pieces = (piece for piece in re.split(r"[*?%]", pattern) if piece)
    return sorted(pieces, key=len, reverse=True)


def unknown_name(name: str, known: Iterable[str], what: str) -> InvalidInputError:
    """Return the error that a name is none to filter or sort by."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]!r}" if near else f"known are {', '.join(names)}"
    return InvalidInputError(f"{what} {name!r} is unknown; {advice}")


def _condition(key: str, value: Any) -> Condition:
    name, _, suffix = key.rpartition("__")
    op = suffix if name and suffix in _SUFFIXES else "equal"
    name = name if op != "equal" else key
    values = tuple(value) if isinstance(value, list | tuple | set | frozenset) else (value,)
    if op in _ORDERS and (len(values) != 1 or values[0] is None):
        raise InvalidInputError(f"filter {key!r} compares with one value, not with {value!r:.80}")
    if op == "like" and not all(isinstance(one, str) for one in values):
        raise InvalidInputError(f"filter {key!r} compares with a text such as '*declined*'")
    if name == TIME and op != "like":
        values = tuple(_moment(key, one) for one in values)
    if name in _HEX:
        values = tuple(one.lower() if isinstance(one, str) else one for one in values)
    return Condition(name, op, values)


def _moment(key: str, value: Any) -> str:
    """Return a point in time as rows have it, to the microsecond."""
    from otel_vector.instrument.rows import ended_at
    from otel_vector.services.times import instant_ns

    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat()
    try:
        return ended_at(instant_ns(str(value), time_ns()))
    except InvalidQueryError as error:
        raise InvalidInputError(f"filter {key!r}: {error}") from error


def _like(have: Any, pattern: str) -> bool:
    if isinstance(have, list):
        return any(_like(one, pattern) for one in have)
    return have is not None and _pattern(pattern).fullmatch(text_of(have)) is not None


def _equal(have: Any, want: Any) -> bool:
    if isinstance(have, list):
        return have == want or any(_equal(one, want) for one in have)
    if have is None or want is None:
        return have is want
    if text_of(have) == text_of(want):
        return True
    numbers = _number(have), _number(want)
    return None not in numbers and numbers[0] == numbers[1]


def _ordered(op: str, have: Any, want: Any) -> bool:
    if have is None:
        return False
    numbers = _number(have), _number(want)
    if None not in numbers:
        return _ORDERS[op](*numbers)
    texts = isinstance(have, str) and isinstance(want, str)
    return texts and _ORDERS[op](have, want)


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return None
    return value if isinstance(value, int | float) else number_of(text_of(value))


def text_of(value: Any) -> str:
    """Return a value as conditions compare it: as JSON has it where that is plain."""
    if isinstance(value, dict):
        from orjson import OPT_NON_STR_KEYS, OPT_SORT_KEYS, dumps

        return dumps(value, default=str, option=OPT_SORT_KEYS | OPT_NON_STR_KEYS).decode()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pattern(text: str) -> re.Pattern[str]:
    """Return a pattern of `like`; one without a wildcard stands for a part of the text.

    What stands between two wildcards is taken where it first occurs, and not looked for again:
    the time it takes grows with the length of the text, whatever the pattern.
    """
    if not re.search(r"[*?%]", text):
        text = f"*{text}*"
    first, *others = (_literal(piece) for piece in re.split(r"[*%]", text))
    if not others:
        return re.compile(first, re.DOTALL)
    middle = "".join(f"(?>.*?{piece})" for piece in others[:-1] if piece)
    return re.compile(f"{first}{middle}.*{others[-1]}", re.DOTALL)


def _literal(piece: str) -> str:
    return "".join("." if char == "?" else re.escape(char) for char in piece)
