"""Tallies of points that are about to go, by meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from otel_vector.spans.keys import STATUS_ERROR
from otel_vector.store.answers import Tally
from otel_vector.store.edge.extremes import Extremes
from otel_vector.store.reading.sums import as_list

__all__ = ["Retiring"]


@dataclass(slots=True)
class _Sum:
    ends: Extremes[int] = field(default_factory=Extremes)
    errors: int = 0
    histogram: Counter[int] = field(default_factory=Counter)


class Retiring:
    """Sums points, one after the other."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.items = 0
        self._sums: dict[int, _Sum] = {}

    def add(self, payload: Mapping[str, Any]) -> None:
        """Count a point for each meaning it names."""
        self.items += 1
        start, place = payload["s"], payload["p"]
        failed = STATUS_ERROR in as_list(payload.get("k"))
        for meaning in as_list(payload.get("m")):
            total = self._sums.get(meaning)
            if total is None:
                total = self._sums[meaning] = _Sum()
            total.ends.see(start, place)
            total.errors += failed
            total.histogram[payload["d"]] += 1

    def tallies(self, start_ns: Callable[[int], int | None]) -> dict[int, Tally]:
        """Return the tally of each meaning.

        Args:
            start_ns: returns the start of the item at a place, in nanoseconds.
        """
        return {meaning: _tally(total, start_ns) for meaning, total in self._sums.items()}


def _tally(total: _Sum, start_ns: Callable[[int], int | None]) -> Tally:
    starts = list(total.ends.starts(start_ns))
    histogram = dict(total.histogram)
    return Tally(total.histogram.total(), total.errors, histogram, min(starts), max(starts))
