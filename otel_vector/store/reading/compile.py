"""A filter as a bracket of conditions, as tight as indexes and keys allow.

Service, name and kind are any-of over operation meanings; status, sessions, models, error codes
and configured attributes are keys; durations are buckets; a trace id is a key that the block
confirms. Every other attribute is unknown to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

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
from otel_vector.store.reading.clause import (
    EVERYTHING,
    NOTHING,
    UNKNOWN,
    Clause,
    all_of,
    any_of,
    exactly,
    none_of,
)
from otel_vector.store.reading.conditions import Condition, Range, equals_any

__all__ = ["Compiler", "start_range"]

_EXACT_INTEGERS: Final = 1 << 53
"""Beyond it, the engine's float64 ranges lose integers."""
_BLUR_US: Final = 4
_LONGEST_NS: Final = 1 << 70
_NOT_ERROR: Final = frozenset({"ok", "unset"})


def start_range(since_ns: int | None, until_ns: int | None) -> Clause:
    """Return the clause of a time window; exact when it falls on whole microseconds."""
    if since_ns is None and until_ns is None:
        return EVERYTHING
    bounds = [b for b in (since_ns, until_ns) if b is not None]
    if all(b % 1000 == 0 and b // 1000 < _EXACT_INTEGERS for b in bounds):
        return exactly(_window(since_ns, until_ns, 0))
    return Clause(_window(since_ns, until_ns, _BLUR_US), _window(since_ns, until_ns, -_BLUR_US))


def _window(since_ns: int | None, until_ns: int | None, slack_us: int) -> Condition:
    """Return the range of starts, wider by some microseconds on both sides."""
    low = None if since_ns is None else float(since_ns // 1000 - slack_us)
    high = None if until_ns is None else float(-(-until_ns // 1000) + slack_us)
    return Range("s", low, high)


class Compiler:
    """Compiles filters for one tenant."""

    def __init__(
        self, operations: Callable[[], Iterable[Meaning] | None], indexed: frozenset[str]
    ) -> None:
        """Bind to the tenant's operations (None: not known) and what every point is keyed by."""
        self._operations = operations
        self._indexed = indexed

    def where(self, signal: Signal, where: Where) -> Clause:
        """Return the clause of a filter and its time window (run kinds are shards)."""
        window = start_range(where.since_ns, where.until_ns)
        if where.filter is None:
            return window
        return all_of([window, self.clause(signal, where.filter)])

    def clause(self, signal: Signal, node: Filter) -> Clause:  # noqa: PLR0911 -- one per node
        """Return the clause of one node."""
        match node:
            case And(items):
                return all_of([self.clause(signal, item) for item in items])
            case Or(items):
                return any_of([self.clause(signal, item) for item in items])
            case Not(item):
                return none_of(self.clause(signal, item))
            case PointsAt(meanings):
                return exactly(equals_any("m", meanings)) if meanings else NOTHING
            case Compare(Attribute() as field, Op.EQ, values):
                return self._attribute(field, values)
            case Compare(BuiltIn() as field, op, values) if signal is Signal.SPANS:
                return self._built_in(field, op, values)
            case Compare(BuiltIn.TRACE, Op.EQ, values):
                return _trace(values)
            case Exists(_) | _:
                return UNKNOWN

    def _attribute(self, field: Attribute, values: tuple[str, ...]) -> Clause:
        key_field = KEYED.get(field.key) or NARROWED.get(field.key)
        exact = field.key in KEYED and field.scope is Scope.ANY
        if key_field is None:
            key_field = attribute_field(field.key)
            exact = field.scope is Scope.ANY
            if key_field not in self._indexed:
                return UNKNOWN
        keys = [key for value in values for key in keys_equal_to(key_field, value)]
        held = equals_any("k", keys)
        return exactly(held) if exact else Clause(held, UNKNOWN.least)

    def _built_in(self, field: BuiltIn, op: Op, values: tuple[str, ...]) -> Clause:
        if field in {BuiltIn.SERVICE, BuiltIn.NAME, BuiltIn.KIND}:
            return self._by_operation(field, op, values)
        if field is BuiltIn.DURATION:
            return _duration(op, values)
        if op is not Op.EQ:
            return UNKNOWN
        if field is BuiltIn.STATUS:
            return _status(values)
        return _trace(values) if field is BuiltIn.TRACE else UNKNOWN

    def _by_operation(self, field: BuiltIn, op: Op, values: tuple[str, ...]) -> Clause:
        test = _text_test(op, values)
        if test is None:
            return UNKNOWN
        sure, unsure = [], []
        operations = self._operations()
        if operations is None:
            return UNKNOWN
        for meaning in operations:
            if field is BuiltIn.NAME and meaning.name_masked:
                unsure.append(int(meaning.id))
            elif test(_operation_value(field, meaning)):
                sure.append(int(meaning.id))
        least = exactly(equals_any("m", sure)) if sure else NOTHING
        if not unsure:
            return least
        return Clause(equals_any("m", [*sure, *unsure]), least.least)


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
    """Only errors have a key: what else there is, `ok` and `unset`, is told apart in the block."""
    wanted = frozenset(values) & frozenset(STATUSES)
    is_error = exactly(equals_any("k", [STATUS_ERROR]))
    error = is_error if "error" in wanted else NOTHING
    others = none_of(is_error)
    if wanted >= _NOT_ERROR:
        return any_of([error, others])
    return any_of([error, Clause(others.most, NOTHING.least)]) if wanted - {"error"} else error


def _duration(op: Op, values: tuple[str, ...]) -> Clause:
    """Buckets that match whole, and those at the bound, which hold others too."""
    most: set[int] = set()
    least: set[int] = set()
    for value in values:
        number = number_of(value)
        if number is None or op in {Op.PREFIX, Op.CONTAINS} or abs(number) > _LONGEST_NS:
            return UNKNOWN
        at = min(bucket_of(int(number)), BUCKETS)
        below, above = range(at), range(at + 1, BUCKETS + 1)
        inner = below if op in {Op.LT, Op.LE} else above if op in {Op.GT, Op.GE} else ()
        least.update(inner)
        most.update(inner, (at,))
    sure = equals_any("d", sorted(least)) if least else NOTHING.least
    return Clause(equals_any("d", sorted(most)), sure)


def _trace(values: tuple[str, ...]) -> Clause:
    keys = []
    for value in values:
        try:
            trace_id = bytes.fromhex(value)
        except ValueError:
            continue
        keys.append(trace_key(trace_id) if trace_id else 0)  # a log without a trace has 0
    return Clause(equals_any("t", keys), NOTHING.least) if keys else NOTHING
