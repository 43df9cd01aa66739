"""What a spanset says, as values.

There is no negation: every operator says what a span has to have. So a part that cannot be told
yet may be taken as true, and what follows is still true of every span that matches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from otel_vector.spans.filters import Attribute

__all__ = [
    "EVERYTHING",
    "NEGATIVE",
    "OF_TRACE",
    "REGEX",
    "TYPES",
    "AllOf",
    "AnyOf",
    "Comparison",
    "Existence",
    "Expression",
    "Field",
    "Intrinsic",
    "Literal",
    "Operator",
    "Type",
    "conditions",
]


class Operator(StrEnum):
    """How a field and a value are compared."""

    EQ = "="
    NE = "!="
    GT = ">"
    GE = ">="
    LT = "<"
    LE = "<="
    RE = "=~"
    NRE = "!~"


NEGATIVE: Final = frozenset({Operator.NE, Operator.NRE})
"""True of a span that has values of the type, none of which fulfils the opposite."""

REGEX: Final = frozenset({Operator.RE, Operator.NRE})


class Type(StrEnum):
    """What a value is; a duration is a number of nanoseconds."""

    TEXT = "a text"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    STATUS = "a status"
    KIND = "a kind"


class Intrinsic(StrEnum):
    """What every span has, or its trace, whatever the attributes."""

    NAME = "name"
    DURATION = "duration"
    STATUS = "status"
    STATUS_MESSAGE = "statusMessage"
    KIND = "kind"
    SPAN_ID = "span:id"
    PARENT_ID = "span:parentID"
    CHILD_COUNT = "span:childCount"
    TRACE_ID = "trace:id"
    TRACE_DURATION = "traceDuration"
    ROOT_NAME = "rootName"
    ROOT_SERVICE = "rootServiceName"
    EVENT_NAME = "event:name"
    EVENT_TIME = "event:timeSinceStart"
    LINK_TRACE = "link:traceID"
    LINK_SPAN = "link:spanID"
    SCOPE_NAME = "instrumentation:name"
    SCOPE_VERSION = "instrumentation:version"


OF_TRACE: Final = frozenset(
    {
        Intrinsic.CHILD_COUNT,
        Intrinsic.TRACE_DURATION,
        Intrinsic.ROOT_NAME,
        Intrinsic.ROOT_SERVICE,
    }
)
"""What is told only by all spans of a trace."""

TYPES: Final[Mapping[Intrinsic, Type]] = MappingProxyType(
    {
        **dict.fromkeys(Intrinsic, Type.TEXT),
        Intrinsic.DURATION: Type.NUMBER,
        Intrinsic.TRACE_DURATION: Type.NUMBER,
        Intrinsic.EVENT_TIME: Type.NUMBER,
        Intrinsic.CHILD_COUNT: Type.NUMBER,
        Intrinsic.STATUS: Type.STATUS,
        Intrinsic.KIND: Type.KIND,
    }
)
"""Types of the intrinsics; attributes have any."""

Field = Intrinsic | Attribute


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it is written in a query."""

    type: Type
    value: str | int | float | bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field has a value of the literal's type that compares so."""

    field: Field
    op: Operator
    literal: Literal


@dataclass(frozen=True, slots=True)
class Existence:
    """A field has a value, whatever it is; or it has none."""

    field: Field
    exists: bool


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of them hold; of none, everything."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of them holds; of none, nothing."""

    items: tuple[Expression, ...]


Expression = Comparison | Existence | AllOf | AnyOf

EVERYTHING: Final = AllOf(())


def conditions(expression: Expression) -> Iterator[Comparison | Existence]:
    """Yield the conditions of an expression, as they are written."""
    if isinstance(expression, AllOf | AnyOf):
        for item in expression.items:
            yield from conditions(item)
    else:
        yield expression
