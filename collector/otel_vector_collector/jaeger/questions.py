"""What Jaeger asks, as a question to the services: the same for gRPC and HTTP.

All conditions are on one span. An attribute is looked up in the span, its resource, scope,
events and links, and compared by the text form of its value, since Jaeger's form sends texts;
`resource.` before a key looks there only. Some keys are no attributes:

=======================  ==========================================================
`error`                  `true`: the status is error; `false`: it is anything else
`span.status`            `ok`, `error`, else unset
`span.kind`              `server`, `client`, …, else unspecified
`scope.name`             of the instrumentation scope, as is `scope.version`
`meaning`                a question in words: nearest meanings first
`otel_vector.run.kind`   spans of this run instead of live ones; `all` for every one
=======================  ==========================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from otel_vector.services.finding import TraceQuestion
from otel_vector.services.operations import OperationNames
from otel_vector.services.search import Restriction
from otel_vector.spans.filters import (
    And,
    Attribute,
    BuiltIn,
    Compare,
    Filter,
    Not,
    Op,
    Or,
    Scope,
    Where,
)
from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import KINDS, STATUSES

__all__ = ["FALSE", "MEANING", "TRUE", "Asked", "question_of"]

MEANING: Final = "meaning"
_RUN: Final = "otel_vector.run.kind"
_RESOURCE: Final = "resource."
TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
"""What Go reads as true and as false."""

_DEFAULT_DEPTH: Final = 100
_MOST_TRACES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as Jaeger asks it.

    Attributes:
        service, operation: exact names; empty for any.
        attributes: values as texts, by key.
        since_ns, until_ns: earliest and latest start of the span, both inclusive.
        least_ns, most_ns: its duration, both inclusive; 0 for any.
        depth: traces at most; 0 for the default of 100.
    """

    service: str = ""
    operation: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    since_ns: int | None = None
    until_ns: int | None = None
    least_ns: int = 0
    most_ns: int = 0
    depth: int = 0


def question_of(asked: Asked, tenant: Tenant, names: OperationNames) -> TraceQuestion:
    """Return the question.

    Raises:
        InvalidQueryError: the run kind is none.
    """
    attributes = dict(asked.attributes)
    meaning, run = attributes.pop(MEANING, ""), attributes.pop(_RUN, "")
    conditions = [*_of_span(asked, tenant, names), *map(_tag, attributes, attributes.values())]
    where = Where(
        And(tuple(conditions)) if conditions else None,
        asked.since_ns,
        None if asked.until_ns is None else asked.until_ns + 1,
        Restriction(runs=(run,) if run else ("live",)).where(0).runs,
    )
    depth = asked.depth if asked.depth > 0 else _DEFAULT_DEPTH
    return TraceQuestion(where, meaning, min(depth, _MOST_TRACES))


def _of_span(asked: Asked, tenant: Tenant, names: OperationNames) -> list[Filter]:
    conditions: list[Filter] = []
    if asked.service:
        conditions.append(_equals(BuiltIn.SERVICE, asked.service))
    if asked.operation:
        conditions.append(names.condition(tenant, asked.service, asked.operation))
    if asked.least_ns:
        conditions.append(Compare(BuiltIn.DURATION, Op.GE, (str(asked.least_ns),)))
    if asked.most_ns:
        conditions.append(Compare(BuiltIn.DURATION, Op.LE, (str(asked.most_ns),)))
    return conditions


def _tag(key: str, value: str) -> Filter:
    special = _SPECIAL.get(key)
    condition = special(value) if special else None
    if condition is not None:
        return condition
    anywhere = _equals(Attribute(key), value)
    inner = key.removeprefix(_RESOURCE)
    if inner in {key, ""}:
        return anywhere
    # A sender may have named an attribute so; what is looked for in the resource is found, too.
    return Or((_equals(Attribute(inner, Scope.RESOURCE), value), anywhere))


def _equals(of: BuiltIn | Attribute, value: str) -> Compare:
    return Compare(of, Op.EQ, (value,))


def _error(value: str) -> Filter | None:
    failed = _equals(BuiltIn.STATUS, "error")
    if value in TRUE:
        return failed
    return Not(failed) if value in FALSE else None


def _one_of(built_in: BuiltIn, known: tuple[str, ...]) -> Callable[[str], Filter]:
    """Return the condition of a closed set of words; its first stands for all others."""
    return lambda value: _equals(built_in, value.lower() if value.lower() in known else known[0])


_SPECIAL: Final[Mapping[str, Callable[[str], Filter | None]]] = MappingProxyType(
    {
        "error": _error,
        "span.status": _one_of(BuiltIn.STATUS, STATUSES),
        "span.kind": _one_of(BuiltIn.KIND, KINDS),
        "scope.name": lambda value: _equals(BuiltIn.SCOPE, value),
        "scope.version": lambda value: _equals(BuiltIn.SCOPE_VERSION, value),
        "otel.scope.name": lambda value: _equals(BuiltIn.SCOPE, value),
        "otel.scope.version": lambda value: _equals(BuiltIn.SCOPE_VERSION, value),
    }
)
