"""Tallies in the making, summed from facets and from single items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from otel_vector.spans.ids import MeaningId
from otel_vector.spans.keys import STATUS_ERROR
from otel_vector.store.answers import Tally

__all__ = ["Sum", "as_list", "count"]


@dataclass(slots=True)
class Sum:
    """A tally in the making."""

    errors: int = 0
    histogram: Counter[int] = field(default_factory=Counter)
    first_ns: int | None = None
    last_ns: int = 0

    def saw(self, start_ns: int) -> None:
        """Widen the range of starts."""
        self.first_ns = start_ns if self.first_ns is None else min(self.first_ns, start_ns)
        self.last_ns = max(self.last_ns, start_ns)

    def add(self, other: Sum | None) -> None:
        """Add what was counted elsewhere."""
        if other is not None:
            self.errors += other.errors
            self.histogram.update(other.histogram)
            if other.first_ns is not None:
                self.saw(other.first_ns)
                self.saw(other.last_ns)

    def tally(self) -> Tally:
        """Return the sum as an answer."""
        first_ns = self.first_ns or 0
        return Tally(
            self.histogram.total(), self.errors, dict(self.histogram), first_ns, self.last_ns
        )


def as_list(value: Any) -> list[int]:
    """Return a list field's values: a single one is kept as a scalar."""
    if value is None:
        return []
    return [value] if isinstance(value, int) else list(value)


def count(sums: dict[MeaningId, Sum], payload: Mapping[str, Any], start_ns: int) -> None:
    """Count one item for each meaning that its point names."""
    failed = STATUS_ERROR in as_list(payload.get("k"))
    for meaning in as_list(payload.get("m")):
        total = sums.setdefault(MeaningId(meaning), Sum())
        total.histogram[payload["d"]] += 1
        total.errors += failed
        total.saw(start_ns)
