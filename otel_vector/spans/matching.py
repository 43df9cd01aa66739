"""A filter evaluated on one item: the meaning that every compiled form of it has to share.

The semantics are told in `filters`. A filter is turned into closures once, so that asking
thousands of items costs no walk of the filter's tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_vector.spans.conventions import family
from otel_vector.spans.filters import (
    And,
    Attribute,
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
    Where,
)
from otel_vector.spans.items import Item
from otel_vector.spans.values import number_of, text_form

__all__ = ["attributes_of", "compile_filter", "compile_where", "holds", "matches"]

Number = int | float
Operand = tuple[str, Number | None]
Test = Callable[[Item], bool]
OperandTest = Callable[[str, Number | None], bool]

_TRACE_HEX: Final = 32
_SPAN_HEX: Final = 16


def matches(condition: Filter, item: Item) -> bool:
    """Return whether an item satisfies a filter; compile it to ask more than one."""
    return compile_filter(condition)(item)


def holds(where: Where, item: Item) -> bool:
    """Return whether an item lies within a restriction: filter, times and run kinds."""
    return compile_where(where)(item)


def compile_where(where: Where) -> Test:
    """Return a function that tells whether an item lies within a restriction."""
    condition = compile_filter(where.filter) if where.filter is not None else _always
    since, until, runs = where.since_ns, where.until_ns, frozenset(where.runs)

    def test(item: Item) -> bool:
        return (
            (since is None or item.start_ns >= since)
            and (until is None or item.start_ns < until)
            and condition(item)
            and (not runs or item.run in runs)
        )

    return test


def compile_filter(condition: Filter) -> Test:
    """Return a function that tells whether an item satisfies a filter."""
    match condition:
        case And(items) | Or(items):
            quickest = [compile_filter(item) for item in sorted(items, key=_effort)]
            return _junction(quickest, all_of=isinstance(condition, And))
        case Not(inner):
            return _negated(compile_filter(inner))
        case Compare():
            return _comparison(condition)
        case Exists(field):
            return _existence(field)
        case Phrase(text):
            return _phrase(text)
        case PointsAt(meanings):
            wanted = frozenset(meanings)
            return lambda item: not wanted.isdisjoint(item.meanings)


def _effort(condition: Filter) -> int:
    """Return how long a condition takes, as a rank: built-in fields before attributes."""
    if isinstance(condition, Compare | Exists):
        return 0 if isinstance(condition.field, BuiltIn) else 1
    return 3 if isinstance(condition, Phrase) else 2


def _always(_: Item) -> bool:
    return True


def _negated(inner: Test) -> Test:
    return lambda item: not inner(item)


def _junction(tests: list[Test], *, all_of: bool) -> Test:
    if all_of:
        return lambda item: all(test(item) for test in tests)
    return lambda item: any(test(item) for test in tests)


def _comparison(condition: Compare) -> Test:
    test = _operand_test(condition.op, condition.values)
    if isinstance(condition.field, BuiltIn):
        read = _BUILT_INS[condition.field]
        return lambda item: any(test(*operand) for operand in read(item))
    attributes = attributes_of(condition.field)
    return lambda item: any(
        test(*operand) for attribute in attributes(item) for operand in _operands(attribute.value)
    )


def _operand_test(op: Op, values: tuple[str, ...]) -> OperandTest:
    if op is Op.EQ:
        return _equality(values)
    if op is Op.PREFIX:
        return lambda text, _: text.startswith(values)
    if op is Op.CONTAINS:
        return lambda text, _: any(value in text for value in values)
    return _range(op, values)


def _equality(values: tuple[str, ...]) -> OperandTest:
    texts = frozenset(values)
    numbers = frozenset(n for n in map(number_of, values) if n is not None)
    return lambda text, number: text in texts or (number is not None and number in numbers)


def _range(op: Op, values: tuple[str, ...]) -> OperandTest:
    """True against any of several bounds is true against the weakest of them."""
    bounds = [n for n in map(number_of, values) if n is not None]
    if not bounds:
        return lambda _, __: False
    upper, lower = max(bounds), min(bounds)
    compare: dict[Op, Callable[[Number], bool]] = {
        Op.LT: lambda n: n < upper,
        Op.LE: lambda n: n <= upper,
        Op.GT: lambda n: n > lower,
        Op.GE: lambda n: n >= lower,
    }
    within = compare[op]

    def test(text: str, number: Number | None) -> bool:
        value = number_of(text) if number is None else number
        return value is not None and within(value)

    return test


def _operands(value: AnyValue) -> Iterator[Operand]:
    """Yield a value and, for an array, its elements at any depth."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        yield value.string_value, None
    elif kind == "int_value":
        yield str(value.int_value), value.int_value
    elif kind == "double_value":
        yield text_form(value), value.double_value
    else:
        yield text_form(value), None
        if kind == "array_value":
            for element in value.array_value.values:
                yield from _operands(element)


def _severity(item: Item) -> tuple[Operand, ...]:
    number = item.message.severity_number if isinstance(item.message, LogRecord) else 0
    return ((str(number), number),) if number else ()


_BUILT_INS: Final[dict[BuiltIn, Callable[[Item], tuple[Operand, ...]]]] = {
    BuiltIn.SERVICE: lambda item: ((item.service, None),),
    BuiltIn.NAME: lambda item: ((item.name, None),),
    BuiltIn.KIND: lambda item: ((item.kind, None),),
    BuiltIn.STATUS: lambda item: ((item.status, None),),
    BuiltIn.DURATION: lambda item: ((str(item.duration_ns), item.duration_ns),),
    BuiltIn.TRACE: lambda item: ((item.trace_hex, None),),
    BuiltIn.SPAN: lambda item: ((item.span_hex, None),),
    BuiltIn.PARENT: lambda item: ((item.parent_hex, None),),
    BuiltIn.RUN: lambda item: ((item.run.value, None),),
    BuiltIn.SEVERITY: _severity,
    BuiltIn.SCOPE: lambda item: ((item.scope.scope.name, None),),
    BuiltIn.SCOPE_VERSION: lambda item: ((item.scope.scope.version, None),),
}


def _existence(field: Field) -> Test:
    if isinstance(field, BuiltIn):
        read = _BUILT_INS[field]
        return lambda item: any(text for text, _ in read(item))
    attributes = attributes_of(field)
    return lambda item: next(attributes(item), None) is not None


def attributes_of(field: Attribute) -> Callable[[Item], Iterator[KeyValue]]:
    """Return a reader of an item's attributes under any name of a key's family.

    They come in the order they are stored; a scope with several parts is read part by part.
    """
    names = frozenset(family(field.key))
    place = _PLACES[field.scope]
    return lambda item: (a for a in place(item) if a.key in names)


def _parts(item: Item, part: str) -> Iterator[KeyValue]:
    if isinstance(item.message, Span):
        for entry in getattr(item.message, part):
            yield from entry.attributes


_PLACES: Final[dict[Scope, Callable[[Item], Iterable[KeyValue]]]] = {
    Scope.ANY: Item.attributes,
    Scope.SPAN: lambda item: item.message.attributes,
    Scope.RESOURCE: lambda item: item.resource.resource.attributes,
    Scope.INSTRUMENTATION: lambda item: item.scope.scope.attributes,
    Scope.EVENT: lambda item: _parts(item, "events"),
    Scope.LINK: lambda item: _parts(item, "links"),
}


def _phrase(text: str) -> Test:
    occurs = _occurrence(text)
    ids = _id_test(text)

    def test(item: Item) -> bool:
        return (
            any(text in own for own in _own_texts(item))
            or ids(item)
            or (isinstance(item.message, LogRecord) and occurs(item.message.body))
            or any(occurs(attribute.value) for attribute in item.attributes())
        )

    return test


def _own_texts(item: Item) -> Iterator[str]:
    yield item.name
    if isinstance(item.message, Span):
        yield item.message.status.message
        for event in item.message.events:
            yield event.name


def _id_test(text: str) -> Test:
    """A phrase that is an id in hex, of either case, is also compared with the item's ids."""
    wanted = text.lower()
    if len(text) == _TRACE_HEX:
        return lambda item: item.trace_hex == wanted
    if len(text) == _SPAN_HEX:
        return lambda item: item.span_hex == wanted
    return lambda _: False


def _occurrence(text: str) -> Callable[[AnyValue], bool]:
    """Return a function that looks for a text in a value, at any depth of lists and maps."""
    number = number_of(text)

    def occurs(value: AnyValue) -> bool:
        match value.WhichOneof("value"):
            case "string_value":
                return text in value.string_value
            case "int_value":
                return number is not None and number == value.int_value
            case "double_value":
                return number is not None and number == value.double_value
            case "array_value":
                return any(occurs(element) for element in value.array_value.values)
            case "kvlist_value":
                return any(occurs(entry.value) for entry in value.kvlist_value.values)
            case _:
                return False

    return occurs
