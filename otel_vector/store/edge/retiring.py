"""Tallies of points that are about to go, by meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from otel_vector.spans.keys import STATUS_ERROR
from otel_vector.store.answers import Tally
from otel_vector.store.reading.sums import as_list

__all__ = ["Retiring"]


@dataclass(slots=True)
class _Extreme:
    """The earliest or latest start in microseconds, and the places of the items that have it."""

    start_us: int
    places: list[int]

    def see(self, start_us: int, place: int, *, later: bool) -> None:
        """Look at one item."""
        if start_us == self.start_us:
            self.places.append(place)
        elif (start_us > self.start_us) is later:
            self.start_us, self.places = start_us, [place]

    def starts(self, start_ns: Callable[[int], int | None]) -> Iterable[int]:
        """Return the starts in nanoseconds; to the microsecond where the block is not there."""
        for place in self.places:
            found = start_ns(place)
            yield self.start_us * 1000 if found is None else found


@dataclass(slots=True)
class _Sum:
    first: _Extreme
    last: _Extreme
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
                total = _Sum(_Extreme(start, []), _Extreme(start, []))
                self._sums[meaning] = total
            total.first.see(start, place, later=False)
            total.last.see(start, place, later=True)
            total.errors += failed
            total.histogram[payload["d"]] += 1

    def tallies(self, start_ns: Callable[[int], int | None]) -> dict[int, Tally]:
        """Return the tally of each meaning.

        Args:
            start_ns: returns the start of the item at a place, in nanoseconds.
        """
        return {
            meaning: Tally(
                total.histogram.total(),
                total.errors,
                dict(total.histogram),
                min(total.first.starts(start_ns)),
                max(total.last.starts(start_ns)),
            )
            for meaning, total in self._sums.items()
        }
