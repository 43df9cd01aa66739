"""What there is to ask about, for editors that complete a query: names of tags, and values.

They are read from the newest spans, as the catalogue does; services and names of operations from
all there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from time import time_ns
from types import MappingProxyType
from typing import Final

from otel_vector.services.catalog import SAMPLE
from otel_vector.services.container import Services
from otel_vector.services.search import Restriction
from otel_vector.spans.filters import And, BuiltIn, Compare, Op, Scope, Where
from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import KINDS, STATUSES, Item
from otel_vector.spans.meanings import Facet, Signal
from otel_vector_collector.tempo.traceql.expressions import TYPES, Field, Intrinsic, Type
from otel_vector_collector.tempo.traceql.meaning import MEANING, is_meaning
from otel_vector_collector.tempo.traceql.names import INTRINSICS
from otel_vector_collector.tempo.traceql.values import (
    NO_WHOLE,
    Scalar,
    is_service,
    scalars,
    values_of,
)

__all__ = ["INTRINSIC_SCOPE", "TagValue", "Tags"]

INTRINSIC_SCOPE: Final = "intrinsic"

TagValue = tuple[str, str]
"""A type, as Tempo calls it, and a text."""

_PAGE: Final = 500
_LONGEST: Final = 1_000
_QUESTION: Final = 200
_KEYWORDS: Final[Mapping[Field, tuple[str, ...]]] = MappingProxyType(
    {Intrinsic.STATUS: STATUSES, Intrinsic.KIND: KINDS}
)
_OF_ROOT: Final[Mapping[Field, Field]] = MappingProxyType({Intrinsic.ROOT_NAME: Intrinsic.NAME})


@dataclass(frozen=True, slots=True)
class Tags:
    """Lists tags and their values for one tenant."""

    services: Services
    tenant: Tenant

    def names(self, restriction: Restriction, scope: str, most: int) -> dict[str, list[str]]:
        """Return the names of tags by scope, those that most spans have first.

        Args:
            restriction: which spans count.
            scope: only this one; empty for all.
            most: names of a scope.
        """
        found = self.services.catalog.attributes(self.tenant, Signal.SPANS, restriction)
        names: dict[str, list[str]] = {s.value: [] for s in Scope if s is not Scope.ANY}
        names[Scope.SPAN.value].append(MEANING)
        for key in found.keys:
            names[key.scope.value].append(key.key)
        names[INTRINSIC_SCOPE] = sorted(INTRINSICS)
        return {
            name: tags[:most] if name != INTRINSIC_SCOPE else tags
            for name, tags in names.items()
            if scope in {"", "none", name} and tags
        }

    def values(self, field: Field, restriction: Restriction, most: int) -> list[TagValue]:
        """Return values of a field, the commonest first; of `meaning` questions to ask."""
        if is_meaning(field):
            return [("string", text) for text in self._questions(restriction)[:most]]
        if field in _KEYWORDS:
            return [("keyword", word) for word in _KEYWORDS[field]]
        if isinstance(field, Intrinsic) and TYPES[field] is Type.NUMBER:
            return []
        if is_service(field) or field is Intrinsic.ROOT_SERVICE:
            rows = self.services.catalog.services(self.tenant, restriction)
            return [("string", row.name) for row in rows if row.name][:most]
        found = self._sampled(field, restriction)
        if field is Intrinsic.NAME:
            found = [*dict.fromkeys([*self._names_of_operations(restriction), *found])]
        return found[:most]

    def _names_of_operations(self, restriction: Restriction) -> Iterator[TagValue]:
        """Yield the names of all operations but those that stand for several names."""
        for row in self.services.catalog.operations(self.tenant, restriction):
            if row.meaning.name and not row.meaning.name_masked:
                yield "string", row.meaning.name

    def _questions(self, restriction: Restriction) -> list[str]:
        """Return what spans most often failed with; what they mostly did if none failed."""
        store = self.services.catalog.store.tenant(self.tenant)
        counts = store.reader.candidates(Signal.SPANS, restriction.where(time_ns()))
        meanings = store.meanings.get(counts.keys()).values()
        ordered = sorted(meanings, key=lambda meaning: (-counts[meaning.id], meaning.id))
        errors = [m.text for m in ordered if m.facet is Facet.ERROR]
        texts = errors or [m.text for m in ordered if m.facet is Facet.OPERATION]
        return list(dict.fromkeys(" ".join(text.split())[:_QUESTION] for text in texts))

    def _sampled(self, field: Field, restriction: Restriction) -> list[TagValue]:
        counts = Counter[TagValue]()
        read = values_of(_OF_ROOT.get(field, field))
        for item in self._newest(restriction.where(time_ns()), of_roots=field in _OF_ROOT):
            counts.update({_shown(s) for value in read(item, NO_WHOLE) for s in scalars(value)})
        kept = (entry for entry in counts.items() if 0 < len(entry[0][1]) <= _LONGEST)
        return [value for value, _ in sorted(kept, key=_most_first)]

    def _newest(self, where: Where, *, of_roots: bool) -> Iterator[Item]:
        if of_roots:
            root = Compare(BuiltIn.PARENT, Op.EQ, ("",))
            where = replace(where, filter=And((where.filter, root)) if where.filter else root)
        reader = self.services.catalog.store.tenant(self.tenant).reader
        left, after = SAMPLE, None
        while left > 0:
            page = reader.find(Signal.SPANS, where, min(_PAGE, left), after)
            yield from page.items
            left, after = left - len(page.items), page.next
            if after is None:
                return


def _shown(scalar: Scalar) -> TagValue:
    if isinstance(scalar, bool):
        return "bool", "true" if scalar else "false"
    if isinstance(scalar, str):
        return "string", scalar
    return ("int" if isinstance(scalar, int) else "float"), repr(scalar)


def _most_first(entry: tuple[TagValue, int]) -> tuple[int, TagValue]:
    return -entry[1], entry[0]
