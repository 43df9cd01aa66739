"""What is told of items that retention dropped: tallies, and which meanings outlive them."""

from __future__ import annotations

from collections import Counter
from typing import Final

from otel_vector.spans.meanings import Facet
from otel_vector.store.answers import Tally

__all__ = ["MASKED", "added"]

MASKED: Final = frozenset({Facet.OPERATION, Facet.ERROR, Facet.LOG})
"""Facets whose texts hold no content: their meanings stay when all their items were dropped."""


def added(one: Tally, other: Tally) -> Tally:
    """Return the tally of two disjoint sets of items."""
    if not one.count or not other.count:
        return one if one.count else other
    return Tally(
        count=one.count + other.count,
        errors=one.errors + other.errors,
        histogram=dict(Counter(one.histogram) + Counter(other.histogram)),
        first_ns=min(one.first_ns, other.first_ns),
        last_ns=max(one.last_ns, other.last_ns),
    )
