"""A filter as engine conditions: never fewer items than it matches, exact where it can be.

A `Clause` holds a condition (None: no restriction) and whether it is exact. What is not exact is
confirmed by evaluating the filter on the decoded item. `and`, `or` and `not` keep both properties:
a `not` of something inexact restricts nothing, since its complement would leave out matches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import qdrant_edge as engine

from otel_vector.spans.durations import BUCKETS, bucket_of
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
    PointsAt,
    Scope,
    Where,
)
from otel_vector.spans.ids import trace_key
from otel_vector.spans.items import KINDS, STATUSES
from otel_vector.spans.keys import KEYED, NARROWED, STATUS_ERROR, attribute_field, keys_equal_to
from otel_vector.spans.meanings import Meaning, Signal
from otel_vector.spans.values import number_of

__all__ = ["EVERYTHING", "NOTHING", "Clause", "Compiler", "equals_any", "start_range"]

_EXACT_INTEGERS: Final = 1 << 53
"""Beyond it, the engine's float64 ranges lose integers."""


@dataclass(frozen=True, slots=True)
class Clause:
    """An engine condition and whether it matches just what it stands for."""

    condition: Any | None
    exact: bool


EVERYTHING: Final = Clause(None, exact=True)
_UNKNOWN: Final = Clause(None, exact=False)


def equals_any(field: str, values: Iterable[int]) -> Any:
    """Return the condition that a field holds one of these integers."""
    return engine.FieldCondition(field, match=engine.MatchAny(list(values)))


NOTHING: Final = Clause(equals_any("t", [-1]), exact=True)


def start_range(since_ns: int | None, until_ns: int | None) -> Clause:
    """Return the clause of a time window; exact when it falls on whole microseconds."""
    if since_ns is None and until_ns is None:
        return EVERYTHING
    low = None if since_ns is None else since_ns // 1000
    high = None if until_ns is None else -(-until_ns // 1000)
    bounds = [b for b in (since_ns, until_ns) if b is not None]
    exact = all(b % 1000 == 0 and b // 1000 < _EXACT_INTEGERS for b in bounds)
    slack = 0 if exact else 4
    window = engine.RangeFloat(
        gte=None if low is None else float(low - slack),
        lt=None if high is None else float(high + slack),
    )
    return Clause(engine.FieldCondition("s", range=window), exact)


class Compiler:
    """Compiles filters for one tenant."""

    def __init__(
        self, operations: Callable[[], Iterable[Meaning]], indexed: frozenset[str]
    ) -> None:
        """Bind to the tenant's operation meanings and the key fields that every point has."""
        self._operations = operations
        self._indexed = indexed

    def where(self, signal: Signal, where: Where) -> Clause:
        """Return the clause of a filter and its time window (run kinds are shards)."""
        window = start_range(where.since_ns, where.until_ns)
        if where.filter is None:
            return window
        return _all([window, self.clause(signal, where.filter)])

    def clause(self, signal: Signal, node: Filter) -> Clause:  # noqa: PLR0911 -- one per node
        """Return the clause of one node."""
        match node:
            case And(items):
                return _all([self.clause(signal, item) for item in items])
            case Or(items):
                return _any([self.clause(signal, item) for item in items])
            case Not(item):
                return _not(self.clause(signal, item))
            case PointsAt(meanings):
                return Clause(equals_any("m", meanings), exact=True) if meanings else NOTHING
            case Compare(Attribute() as field, Op.EQ, values):
                return self._attribute(field, values)
            case Compare(BuiltIn() as field, op, values) if signal is Signal.SPANS:
                return self._built_in(field, op, values)
            case Compare(BuiltIn.TRACE, Op.EQ, values):
                return _trace(values)
            case Exists(_) | _:
                return _UNKNOWN

    def _attribute(self, field: Attribute, values: tuple[str, ...]) -> Clause:
        key_field = KEYED.get(field.key) or NARROWED.get(field.key)
        exact = field.key in KEYED and field.scope is Scope.ANY
        if key_field is None:
            key_field = attribute_field(field.key)
            exact = field.scope is Scope.ANY
            if key_field not in self._indexed:
                return _UNKNOWN
        keys = [key for value in values for key in keys_equal_to(key_field, value)]
        return Clause(equals_any("k", keys), exact)

    def _built_in(self, field: BuiltIn, op: Op, values: tuple[str, ...]) -> Clause:
        if field in {BuiltIn.SERVICE, BuiltIn.NAME, BuiltIn.KIND}:
            return self._by_operation(field, op, values)
        if field is BuiltIn.DURATION:
            return _duration(op, values)
        if op is not Op.EQ:
            return _UNKNOWN
        if field is BuiltIn.STATUS:
            return _status(values)
        return _trace(values) if field is BuiltIn.TRACE else _UNKNOWN

    def _by_operation(self, field: BuiltIn, op: Op, values: tuple[str, ...]) -> Clause:
        test = _text_test(op, values)
        if test is None:
            return _UNKNOWN
        ids, exact = [], True
        for meaning in self._operations():
            unsure = field is BuiltIn.NAME and meaning.name_masked
            if unsure or test(_operation_value(field, meaning)):
                ids.append(int(meaning.id))
                exact = exact and not unsure
        return Clause(equals_any("m", ids), exact) if ids else NOTHING


def _operation_value(field: BuiltIn, meaning: Meaning) -> str:
    if field is BuiltIn.SERVICE:
        return meaning.service
    if field is BuiltIn.NAME:
        return meaning.name
    return KINDS[meaning.kind] if 0 <= meaning.kind < len(KINDS) else KINDS[0]


def _text_test(op: Op, values: tuple[str, ...]) -> Callable[[str], bool] | None:
    match op:
        case Op.EQ:
            return frozenset(values).__contains__
        case Op.PREFIX:
            return lambda text: text.startswith(values)
        case Op.CONTAINS:
            return lambda text: any(value in text for value in values)
    return None


def _status(values: tuple[str, ...]) -> Clause:
    wanted = frozenset(values) & frozenset(STATUSES)
    is_error = equals_any("k", [STATUS_ERROR])
    if wanted == {"error"}:
        return Clause(is_error, exact=True)
    if "error" in wanted:
        return Clause(None, exact=len(wanted) == len(STATUSES))
    if not wanted:
        return NOTHING
    return Clause(engine.Filter(must_not=[is_error]), exact=len(wanted) == len(STATUSES) - 1)


def _duration(op: Op, values: tuple[str, ...]) -> Clause:
    """Buckets that can match; those at the bound hold others too, so never exact."""
    buckets: set[int] = set()
    for value in values:
        number = number_of(value)
        if number is None or op in {Op.PREFIX, Op.CONTAINS}:
            return _UNKNOWN
        at = min(bucket_of(int(number)), BUCKETS)
        low = 0 if op in {Op.LT, Op.LE} else at
        high = BUCKETS if op in {Op.GT, Op.GE} else at
        buckets.update(range(low, high + 1))
    return Clause(equals_any("d", sorted(buckets)), exact=False)


def _trace(values: tuple[str, ...]) -> Clause:
    keys = []
    for value in values:
        try:
            keys.append(trace_key(bytes.fromhex(value)))
        except ValueError:
            continue
    return Clause(equals_any("t", keys), exact=False) if keys else NOTHING


def _all(clauses: list[Clause]) -> Clause:
    conditions = [c.condition for c in clauses if c.condition is not None]
    exact = all(c.exact for c in clauses)
    if not conditions:
        return Clause(None, exact)
    return Clause(engine.Filter(must=conditions), exact)


def _any(clauses: list[Clause]) -> Clause:
    if not clauses:
        return NOTHING
    free = [c for c in clauses if c.condition is None]
    if free:
        return Clause(None, exact=any(c.exact for c in free))
    return Clause(
        engine.Filter(should=[c.condition for c in clauses]), exact=all(c.exact for c in clauses)
    )


def _not(clause: Clause) -> Clause:
    if not clause.exact:
        return _UNKNOWN
    if clause.condition is None:
        return NOTHING
    return Clause(engine.Filter(must_not=[clause.condition]), exact=True)
