"""Operations by name, as tools list them to choose from, and what a chosen name stands for.

Names that hold ids are as many as there are ids. Where few spans bear them they are listed as
they are; where many do, the template they share is listed once (`GET /orders/{id}`), and asking
for it finds all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from otel_vector.services.catalog import Catalog
from otel_vector.services.search import Restriction
from otel_vector.spans.filters import BuiltIn, Compare, Filter, Op, Or, PointsAt, Where
from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import KINDS
from otel_vector.spans.meanings import Meaning, Signal
from otel_vector.store.contract import SpanReader

__all__ = ["NamedOperation", "OperationNames"]

_FEW: Final = 50
"""Spans of a template up to which their own names are listed."""
_MOST_READ: Final = 100
"""Templates that are looked at so closely; the others are listed as templates."""
_PLACE: Final = "{id}"


@dataclass(frozen=True, slots=True, order=True)
class NamedOperation:
    """A name and the span kind it has, one of `KINDS`."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class OperationNames:
    """Names operations."""

    catalog: Catalog

    def of(self, tenant: Tenant, service: str, kind: str = "") -> list[NamedOperation]:
        """Return the operations of live spans of a service, by name.

        Args:
            tenant: whose.
            service: exact name; empty for all services.
            kind: only of this span kind; empty for all.
        """
        reader = self.catalog.store.tenant(tenant).reader
        found, read = set[NamedOperation](), 0
        for operation in self.catalog.operations(tenant, Restriction(), service):
            shown = _kind(operation.meaning)
            if kind not in {"", shown}:
                continue
            names = {operation.meaning.name}
            if operation.meaning.name_masked and operation.spans <= _FEW and read < _MOST_READ:
                names, read = _own_names(reader, operation.meaning), read + 1
            found.update(NamedOperation(name, shown) for name in names)
        return sorted(found)

    def condition(self, tenant: Tenant, service: str, name: str) -> Filter:
        """Return what spans fulfil whose operation has this name, or this template."""
        named = Compare(BuiltIn.NAME, Op.EQ, (name,))
        if _PLACE not in name:
            return named
        meanings = tuple(
            meaning.id
            for meaning in self.catalog.store.tenant(tenant).meanings.operations()
            if meaning.name_masked and meaning.name == name and service in {"", meaning.service}
        )
        return Or((named, PointsAt(meanings))) if meanings else named


def _kind(meaning: Meaning) -> str:
    return KINDS[meaning.kind] if 0 <= meaning.kind < len(KINDS) else KINDS[0]


def _own_names(reader: SpanReader, meaning: Meaning) -> set[str]:
    where = Where(PointsAt((meaning.id,)))
    return {item.name for item in reader.find(Signal.SPANS, where, _FEW).items}
