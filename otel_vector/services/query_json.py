"""The filter as JSON: what the API takes beside the query string. Strict and small.

::

    {"field": "service", "op": "=", "value": "checkout"}       op "=" may be left out
    {"attribute": "http.response.status_code", "scope": "span", "op": ">=", "value": 500}
    {"attribute": "k8s.pod.name", "op": "prefix", "values": ["cart-", "shop-"]}
    {"has": {"attribute": "enduser.id"}}
    {"phrase": "card declined"}
    {"meanings": ["0123456789abcdef"]}
    {"and": [...]}   {"or": [...]}   {"not": {...}}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from otel_vector.errors import InvalidQueryError
from otel_vector.services.query_terms import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    attribute_of,
    checked_text,
    compared,
    pointing_at,
)
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

__all__ = ["filter_from_json", "filter_to_json"]

Json = Mapping[str, object]

_COMPARE: Final = frozenset({"field", "attribute", "scope", "op", "value", "values"})
_FIELD: Final = frozenset({"field", "attribute", "scope"})
_FORMS: Final = '{"field" or "attribute": …}, has, phrase, meanings, and, or, not'


def filter_from_json(value: object) -> Filter:
    """Return a filter from its JSON form.

    Raises:
        InvalidQueryError: an unknown key, a wrong type, or a limit exceeded; says where.
    """
    return _Reader().read(value, "filter", 0)


def filter_to_json(condition: Filter) -> dict[str, object]:
    """Return a filter's JSON form; :func:`filter_from_json` reads it back."""
    match condition:
        case And(items) | Or(items):
            form = "and" if isinstance(condition, And) else "or"
            return {form: [filter_to_json(item) for item in items]}
        case Not(inner):
            return {"not": filter_to_json(inner)}
        case Phrase(text):
            return {"phrase": text}
        case Exists(field):
            return {"has": _field_json(field)}
        case PointsAt(meanings):
            return {"meanings": [meaning_hex(MeaningId(m)) for m in meanings]}
        case Compare():
            return _compare_json(condition)


def _field_json(field: Field) -> dict[str, object]:
    if isinstance(field, BuiltIn):
        return {"field": field.value}
    scope = {} if field.scope is Scope.ANY else {"scope": field.scope.value}
    return {"attribute": field.key, **scope}


def _compare_json(condition: Compare) -> dict[str, object]:
    unit = "ns" if condition.field is BuiltIn.DURATION else ""
    values = [value + unit for value in condition.values]
    chosen = {"value": values[0]} if len(values) == 1 else {"values": values}
    return {**_field_json(condition.field), "op": condition.op.value, **chosen}


class _Reader:
    """Reads one filter, counting its conditions."""

    def __init__(self) -> None:
        self._conditions = 0
        self._forms: dict[str, Callable[[object, str, int], Filter]] = {
            "and": lambda v, path, depth: And(self._list(v, path, depth)),
            "or": lambda v, path, depth: Or(self._list(v, path, depth)),
            "not": lambda v, path, depth: Not(self.read(v, path, depth + 1)),
            "has": lambda v, path, _: Exists(_field(_object(v, path, _FIELD), path)),
            "phrase": lambda v, path, _: Phrase(checked_text(_text(v, path))),
            "meanings": lambda v, path, _: _pointing_at(v, path),
        }

    def read(self, value: object, path: str, depth: int) -> Filter:
        self._conditions += 1
        if depth > MAX_DEPTH:
            raise _wrong(path, f"nested deeper than {MAX_DEPTH} levels; write it flatter")
        if self._conditions > MAX_CONDITIONS:
            raise _wrong(path, f"more than {MAX_CONDITIONS} conditions; use values: […]")
        if not isinstance(value, Mapping) or not value:
            raise _wrong(path, f"a filter is an object of one of the forms {_FORMS}")
        form = next((name for name in self._forms if name in value), None)
        if form is None:
            return _compare(_object(value, path, _COMPARE), path)
        _object(value, path, frozenset({form}))
        return self._forms[form](value[form], f"{path}.{form}", depth)

    def _list(self, value: object, path: str, depth: int) -> tuple[Filter, ...]:
        items = _sequence(value, path)
        return tuple(self.read(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(items))


def _pointing_at(value: object, path: str) -> Filter:
    try:
        return pointing_at([_text(meaning, path) for meaning in _sequence(value, path)])
    except InvalidQueryError as error:
        raise _wrong(path, str(error).removeprefix(f"{path}: ")) from error


def _compare(value: Json, path: str) -> Filter:
    if ("value" in value) == ("values" in value):
        raise _wrong(path, 'a comparison has either "value" or "values"')
    given = _sequence(value["values"], path) if "values" in value else [value["value"]]
    field = _field(value, path)
    try:
        return compared(field, _op(value, path), [_value(v, field, path) for v in given])
    except InvalidQueryError as error:
        raise _wrong(path, str(error).removeprefix(f"{path}: ")) from error


def _field(value: Json, path: str) -> Field:
    if ("field" in value) == ("attribute" in value):
        raise _wrong(path, 'name either a "field" or an "attribute"')
    if "attribute" in value:
        scope = _choice(Scope, value.get("scope", "any"), f"{path}.scope")
        return attribute_of(_text(value["attribute"], path), scope)
    if "scope" in value:
        raise _wrong(path, "only an attribute has a scope")
    return _choice(BuiltIn, value["field"], f"{path}.field")


def _op(value: Json, path: str) -> Op:
    return _choice(Op, value.get("op", "="), f"{path}.op")


_Choice = TypeVar("_Choice", Scope, BuiltIn, Op)


def _choice(kind: type[_Choice], value: object, path: str) -> _Choice:
    text = _text(value, path)
    if text not in set(kind):
        raise _wrong(path, f"{text!r} is unknown; write one of {', '.join(kind)}")
    return kind(text)


def _value(value: object, field: Field, path: str) -> str:
    """Return a JSON value as the text that is compared; durations may be nanoseconds."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}ns" if field is BuiltIn.DURATION else str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    return _text(value, path)


def _object(value: object, path: str, keys: frozenset[str]) -> Json:
    if not isinstance(value, Mapping):
        raise _wrong(path, "an object is expected here")
    unknown = [str(key) for key in value if key not in keys]
    if unknown:
        raise _wrong(
            path, f"{unknown[0]!r} does not belong here; known: {', '.join(sorted(keys))}"
        )
    return value


def _sequence(value: object, path: str) -> Sequence[object]:
    if not isinstance(value, list):
        raise _wrong(path, "a list is expected here")
    return value


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _wrong(path, f"a text is expected here, not {type(value).__name__}")
    return value


def _wrong(path: str, message: str) -> InvalidQueryError:
    return InvalidQueryError(f"{path}: {message}")
