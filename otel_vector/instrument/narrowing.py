"""Conditions as the store's own filter, as far as it can hold them: what it leaves out is no loss.

The store narrows down what is read, the row decides. So a condition that the store cannot hold, or
not as exactly, becomes a wider one or none at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from string import hexdigits
from typing import Any, Final

from otel_vector.instrument.captured import INPUT, naming, verbatim, with_texts
from otel_vector.instrument.conditions import TIME, Condition, pieces_of, text_of
from otel_vector.instrument.rows import ARGUMENT, TAG
from otel_vector.spans.meanings import RunKind

__all__ = ["Narrowed", "narrowed"]

Json = dict[str, Any]

_BUILT_IN: Final = {
    "trace_id": "trace",
    "span_id": "span",
    "parent_span_id": "parent",
    "service_name": "service",
}
_SIGNS: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_CODE: Final = "code.function.name"
_ATTRIBUTES: Final = {
    "error_code": ("otel_vector.error.code", "error.type"),
    "input_value": (INPUT,),
    "return_value": ("output.value",),
}
_RUNS: Final = {"REALTIME": RunKind.LIVE.value} | {kind.name: kind.value for kind in RunKind}
_NS_PER_MS: Final = 1_000_000
_ID_DIGITS: Final = (16, 32)
_HEX: Final = frozenset(hexdigits)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What the store is asked for.

    Attributes:
        filters: conditions in the API's JSON, all of which hold of what is wanted.
        runs: kinds of runs that count.
        since_ns: earliest end, in nanoseconds since the epoch; None for any.
        until_ns: what starts at this moment or later is not wanted; None for any.
    """

    filters: tuple[Json, ...]
    runs: tuple[str, ...]
    since_ns: int | None = None
    until_ns: int | None = None

    def question(self, *more: Json) -> Json:
        """Return the filter and the kinds of runs as a question has them."""
        filters = [*self.filters, *more]
        condition = {"filter": {"and": filters}} if filters else {}
        return {**condition, "runs": list(self.runs)}


def narrowed(conditions: Iterable[Condition], runs: tuple[str, ...]) -> Narrowed:
    """Return what the store is asked for.

    Args:
        conditions: those that are to hold.
        runs: kinds of runs that count unless a condition on `exec_source` says it.
    """
    filters, since, until = list[Json](), list[int](), list[int]()
    for condition in conditions:
        if condition.name == "exec_source":
            runs = _runs(condition)
        elif condition.name == TIME:
            _put_bounds(condition, since, until)
        elif (made := _filter(condition)) is not None:
            filters.append(made)
    return Narrowed(tuple(filters), runs, max(since, default=None), min(until, default=None))


def _runs(condition: Condition) -> tuple[str, ...]:
    known = tuple(_RUNS[v] for v in condition.values if v in _RUNS)
    return known if condition.op == "equal" and known else ("all",)


def _put_bounds(condition: Condition, since: list[int], until: list[int]) -> None:
    from otel_vector.services.times import instant_ns

    if condition.op in {"like", "not_equal"}:
        return
    moments = [instant_ns(value, 0) for value in condition.values if value is not None]
    if condition.op in {"gt", "gte", "equal"}:
        since.append(min(moments, default=0))
    if condition.op in {"lt", "lte", "equal"}:
        until.append(max(moments, default=0) + 1000)  # rows tell microseconds


def _filter(condition: Condition) -> Json | None:
    """Return a filter that holds of everything that a condition holds of; None for none."""
    name = condition.name
    if name == "status":
        return _status(condition)
    if name == "parent_span_id" and condition.op == "equal" and condition.values == (None,):
        return {"field": "parent", "value": ""}
    if condition.op == "not_equal" or None in condition.values:
        return None
    return _FORMS.get(name, _attributes)(condition)


def _status(condition: Condition) -> Json | None:
    failed = {"field": "status", "value": "error"}
    if condition.op not in {"equal", "not_equal"} or len(set(condition.values)) != 1:
        return None
    if condition.values[0] not in {"ERROR", "SUCCESS"}:
        return None
    is_failed = (condition.values[0] == "ERROR") == (condition.op == "equal")
    return failed if is_failed else {"not": failed}


def _duration(condition: Condition) -> Json | None:
    values = [v for v in condition.values if isinstance(v, int | float) and math.isfinite(v)]
    if condition.op not in _SIGNS or len(values) != len(condition.values):
        return None
    sign = ">=" if condition.op in {"gt", "gte"} else "<="
    spare = -1 if sign == ">=" else 1  # a row's milliseconds are rounded
    bound = max(0, round(values[0] * _NS_PER_MS) + spare)
    return {"field": "duration", "op": sign, "value": bound}


def _function(condition: Condition) -> Json | None:
    if condition.op == "like":
        return _occurring(condition.values)
    if condition.op != "equal":
        return None
    return _any([one for value in condition.values for one in _named(str(value))])


def _named(value: str) -> list[Json]:
    names = {"field": "name", "value": value}, {"attribute": _CODE, "value": value}
    return [*names, {"phrase": f".{value}"}]


def _definition(condition: Condition) -> Json | None:
    if condition.op != "equal":
        return None
    places = [str(value).rpartition("/") for value in condition.values]
    return _any(
        [
            {"and": [{"field": "service", "value": service}, {"attribute": _CODE, "value": code}]}
            for service, _, code in places
        ]
    )


def _built_in(condition: Condition) -> Json | None:
    if condition.op != "equal":
        return None
    return {"field": _BUILT_IN[condition.name], "values": list(map(text_of, condition.values))}


def _failed(condition: Condition) -> Json | None:
    """Return that it failed, and what it says if that can be sought as it stands."""
    failed = {"field": "status", "value": "error"}
    said = _occurring(condition.values) if condition.op in {"equal", "like"} else None
    return {"and": [failed, said]} if said else failed


def _attributes(condition: Condition) -> Json | None:
    name = condition.name
    if name in _ATTRIBUTES:
        return _any([_attribute(key, condition) for key in _ATTRIBUTES[name]])
    if name.startswith((ARGUMENT, TAG)):
        return _attribute(name, condition)
    own = [_attribute(f"{prefix}{name}", condition) for prefix in (ARGUMENT, TAG)]
    return _any([*own, _captured(condition)])


def _captured(condition: Condition) -> Json:
    """Return what finds a condition on an argument that has no attribute of its own."""
    values = condition.values if condition.op in {"equal", "like"} else ()
    is_text = all(isinstance(value, str | bool) for value in values)
    pieces = [next(iter(pieces_of(text_of(value))), "") for value in values if is_text]
    texts = verbatim(pieces)
    said = _occurring(texts) if texts else None
    more = [with_texts(texts)] if texts else []
    return {"and": [naming(condition.name), *more, *([said] if said else [])]}


def _attribute(key: str, condition: Condition) -> Json:
    where = {"attribute": key, "scope": "span"}
    if condition.op == "equal":
        return {**where, "values": list(map(text_of, condition.values))}
    if condition.op == "like":
        pieces = [pieces_of(value)[:1] for value in condition.values]
        return {**where, "op": "contains", "values": [p[0] if p else "" for p in pieces]}
    return {"has": where}


def _occurring(patterns: Iterable[Any]) -> Json | None:
    """Return what finds texts wherever they stand, by the blocks' bytes; None if it cannot be.

    Hex digits might be taken for the id of a trace or span.
    """
    pieces = [next(iter(pieces_of(text_of(pattern))), "") for pattern in patterns]
    if not all(pieces) or any(len(p) in _ID_DIGITS and set(p) <= _HEX for p in pieces):
        return None
    return _any([{"phrase": piece} for piece in pieces])


_FORMS: Final[dict[str, Callable[[Condition], Json | None]]] = {
    "duration_ms": _duration,
    "function_name": _function,
    "function_uuid": _definition,
    "error_message": _failed,
    "uuid": lambda _: None,
    **dict.fromkeys(_BUILT_IN, _built_in),
}


def _any(filters: list[Json]) -> Json | None:
    if not filters:
        return None
    return filters[0] if len(filters) == 1 else {"or": filters}
