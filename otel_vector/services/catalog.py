"""What there is to ask about: services, operations, attribute keys and their values.

Services and operations are counted exactly, from the meanings that items point at. Attributes
are read from the newest items, of which the answer says how many were looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import time_ns
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_vector.services.search import Restriction
from otel_vector.spans.conventions import family
from otel_vector.spans.filters import Scope, Where
from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Facet, Meaning, Signal
from otel_vector.spans.values import text_form
from otel_vector.store.contract import SpanReader, Store

__all__ = [
    "SAMPLE",
    "AttributeKey",
    "AttributeKeys",
    "AttributeValue",
    "AttributeValues",
    "Catalog",
    "Operation",
    "ServiceRow",
]

SAMPLE: Final = 2000
"""Newest items that attributes are read from."""

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service: its exact name, its spans, and how many operations they are of."""

    name: str
    spans: int
    operations: int


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation and how many spans are of it."""

    meaning: Meaning
    spans: int


@dataclass(frozen=True, slots=True)
class AttributeKey:
    """A key in one scope: types its values have, and how many items have it."""

    key: str
    scope: Scope
    types: tuple[str, ...]
    items: int


@dataclass(frozen=True, slots=True)
class AttributeKeys:
    """Keys by how many items have them, from a sample of so many items."""

    looked_at: int
    keys: tuple[AttributeKey, ...]


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """A value in its text form, its type, and how many items have it."""

    value: str
    type: str
    items: int


@dataclass(frozen=True, slots=True)
class AttributeValues:
    """The values of a key (by any name of its family) in a sample of so many items."""

    names: tuple[str, ...]
    looked_at: int
    having: int
    distinct: int
    values: tuple[AttributeValue, ...]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Lists what is there."""

    store: Store
    clock_ns: Callable[[], int] = time_ns

    def services(self, tenant: Tenant, restriction: Restriction) -> list[ServiceRow]:
        """Return the services of matching spans, those with most spans first."""
        spans, operations = Counter[str](), Counter[str]()
        for operation in self.operations(tenant, restriction):
            spans[operation.meaning.service] += operation.spans
            operations[operation.meaning.service] += 1
        rows = [ServiceRow(name, count, operations[name]) for name, count in spans.items()]
        return sorted(rows, key=lambda row: (-row.spans, row.name))

    def operations(
        self, tenant: Tenant, restriction: Restriction, service: str = ""
    ) -> list[Operation]:
        """Return the operations of matching spans, those with most spans first.

        Args:
            tenant: whose.
            restriction: which spans count.
            service: only operations of this service; empty for all.
        """
        store = self.store.tenant(tenant)
        counts = store.reader.candidates(Signal.SPANS, restriction.where(self.clock_ns()))
        rows = [
            Operation(meaning, counts[meaning.id])
            for meaning in store.meanings.get(counts.keys()).values()
            if meaning.facet is Facet.OPERATION and service in {"", meaning.service}
        ]
        return sorted(rows, key=lambda row: (-row.spans, row.meaning.id))

    def attributes(
        self, tenant: Tenant, signal: Signal, restriction: Restriction
    ) -> AttributeKeys:
        """Return the attribute keys of the newest matching items."""
        looked_at, counts = 0, Counter[tuple[str, Scope]]()
        types: dict[tuple[str, Scope], set[str]] = {}
        for item in self._sample(tenant, signal, restriction):
            looked_at += 1
            seen = set[tuple[str, Scope]]()
            for scope, attribute in _scoped(item):
                seen.add(place := (attribute.key, scope))
                types.setdefault(place, set()).add(_type_of(attribute))
            counts.update(seen)
        keys = [AttributeKey(*p, tuple(sorted(types[p])), count) for p, count in counts.items()]
        return AttributeKeys(looked_at, tuple(sorted(keys, key=_most_first)))

    def values(
        self, tenant: Tenant, signal: Signal, key: str, restriction: Restriction, limit: int
    ) -> AttributeValues:
        """Return the commonest values of a key among the newest matching items."""
        names = family(key)
        looked_at = having = 0
        counts = Counter[tuple[str, str]]()
        for item in self._sample(tenant, signal, restriction):
            looked_at += 1
            values = {
                (text_form(attribute.value), _type_of(attribute))
                for attribute in item.attributes()
                if attribute.key in names
            }
            having += bool(values)
            counts.update(values)
        ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:limit]
        rows = tuple(AttributeValue(*value, count) for value, count in ordered)
        return AttributeValues(names, looked_at, having, len(counts), rows)

    def _sample(self, tenant: Tenant, signal: Signal, restriction: Restriction) -> Iterator[Item]:
        where = restriction.where(self.clock_ns())
        return _newest(self.store.tenant(tenant).reader, signal, where)


def _newest(reader: SpanReader, signal: Signal, where: Where) -> Iterator[Item]:
    left, after = SAMPLE, None
    while left > 0:
        page = reader.find(signal, where, min(_PAGE, left), after)
        yield from page.items
        left, after = left - len(page.items), page.next
        if after is None:
            return


def _scoped(item: Item) -> Iterator[tuple[Scope, KeyValue]]:
    yield from ((Scope.SPAN, a) for a in item.message.attributes)
    yield from ((Scope.RESOURCE, a) for a in item.resource.resource.attributes)
    yield from ((Scope.INSTRUMENTATION, a) for a in item.scope.scope.attributes)
    if isinstance(item.message, Span):
        yield from ((Scope.EVENT, a) for event in item.message.events for a in event.attributes)
        yield from ((Scope.LINK, a) for link in item.message.links for a in link.attributes)


def _type_of(attribute: KeyValue) -> str:
    """Return `string`, `bool`, `int`, `double`, `array`, `kvlist`, `bytes` or `empty`."""
    return str(attribute.value.WhichOneof("value") or "empty").removesuffix("_value")


def _most_first(row: AttributeKey) -> tuple[int, str, str]:
    return -row.items, row.key, row.scope
