"""The first and the last start of many items, and where the items are that have them.

Points tell starts to the microsecond; the nanoseconds are in the blocks, which only the items at
both ends are read from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["Extremes"]

Place = TypeVar("Place")


@dataclass(slots=True)
class _Extreme(Generic[Place]):
    """The earliest or latest start in microseconds, and the places of the items that have it."""

    start_us: int
    places: list[Place]

    def see(self, start_us: int, place: Place, *, later: bool) -> None:
        """Look at one item."""
        if start_us == self.start_us:
            self.places.append(place)
        elif (start_us > self.start_us) is later:
            self.start_us, self.places = start_us, [place]

    def starts(self, start_ns: Callable[[Place], int | None]) -> Iterator[int]:
        """Yield the starts in nanoseconds; to the microsecond where the block is not there."""
        for place in self.places:
            found = start_ns(place)
            yield self.start_us * 1000 if found is None else found


@dataclass(slots=True)
class Extremes(Generic[Place]):
    """Both ends of the items looked at so far."""

    _ends: list[_Extreme[Place]] = field(default_factory=list)

    def see(self, start_us: int, place: Place) -> None:
        """Look at one item: its start in microseconds, and where it is."""
        if not self._ends:
            self._ends = [_Extreme(start_us, [place]), _Extreme(start_us, [place])]
            return
        for extreme, later in zip(self._ends, (False, True), strict=True):
            extreme.see(start_us, place, later=later)

    def starts(self, start_ns: Callable[[Place], int | None]) -> Iterator[int]:
        """Yield the starts at both ends, in nanoseconds; none if nothing was looked at.

        Args:
            start_ns: returns the start of the item at a place, nanoseconds; None if its block is
                not there.
        """
        for extreme in self._ends:
            yield from extreme.starts(start_ns)

    def is_beyond(self, start_us: int, *, latest: bool) -> bool:
        """Whether an item is known that starts later than a microsecond, or else earlier."""
        if not self._ends:
            return False
        if latest:
            return self._ends[1].start_us > start_us
        return self._ends[0].start_us < start_us
