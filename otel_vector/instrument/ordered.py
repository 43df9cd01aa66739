"""The best rows of an order among all spans that fulfil some conditions.

The store lists spans by their start, newest first. Pages are read until no span that is left can
be among the best: sorted by the end, latest first, what is left started before the last one that
was read, and would have to last to the end of the worst of the best so far. So the store is asked
for longer and longer spans, and soon there are none. Other orders need every span that fulfils the
conditions to be read, but never more than a page and the best ones to be held.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from otel_vector.instrument.asking import Asked
from otel_vector.instrument.conditions import TIME, Condition, holds
from otel_vector.instrument.narrowing import Narrowed
from otel_vector.instrument.rows import Row, execution_row, named_values
from otel_vector.spans.items import Item

__all__ = ["Found", "Order", "best_of", "fulfils"]

_FIRST_PAGE: Final = 256
_LARGEST_PAGE: Final = 8192
_DURATION: Final = "duration_ms"
_US: Final = 1000  # nanoseconds; within a microsecond the store lists spans in no order


@dataclass(frozen=True, slots=True)
class Found:
    """A span and its row."""

    item: Item
    row: Row


@dataclass(frozen=True, slots=True)
class Order:
    """What is sorted by; rows without it come last. What ends at once ends inside out.

    Attributes:
        name: a field, captured argument or tag.
        ascending: the least first.
    """

    name: str
    ascending: bool = False

    def key(self, found: Found) -> tuple[bool, _Directed]:
        """Return what sorts a row: numbers before texts, and last what lacks the value."""
        value = self._value(found)
        is_number = isinstance(value, int | float)
        place = (0, value) if is_number else (1, str(value))
        ties = (-found.item.start_ns, found.row["span_id"])
        return value is None, _Directed((place, ties), self.ascending)

    def own_value(self, item: Item) -> int | None:
        """Return what sorts a span, in nanoseconds, if that is a time of its own."""
        if self.name == TIME:
            return item.end_ns
        return item.duration_ns if self.name == _DURATION else None

    def _value(self, found: Found) -> Any:
        own = self.own_value(found.item)
        return named_values(found.item, found.row).get(self.name) if own is None else own


@dataclass(frozen=True, slots=True)
class _Directed:
    """What sorts forwards or backwards."""

    value: Any
    ascending: bool

    def __lt__(self, other: _Directed) -> bool:
        first, second = (self, other) if self.ascending else (other, self)
        return bool(first.value < second.value)


class _Best:
    """The best of those that were added."""

    def __init__(self, order: Order, limit: int) -> None:
        self._order = order
        self._limit = limit
        self._found: list[Found] = []

    def add(self, found: Iterable[Found]) -> None:
        self._found = sorted([*self._found, *found], key=self._order.key)[: self._limit]

    def all(self) -> list[Found]:
        return self._found

    def worth(self, items: Iterable[Item]) -> Iterable[Item]:
        """Return those that can be among the best, as far as their times tell."""
        worst = self._worst()
        least = self._order.own_value(worst) if worst is not None else None
        if least is None:
            return items
        value = self._order.own_value
        if self._order.ascending:
            return [item for item in items if (value(item) or 0) <= least]
        return [item for item in items if (value(item) or 0) >= least]

    def _worst(self) -> Item | None:
        return self._found[-1].item if len(self._found) == self._limit else None

    def least_duration_ns(self, narrowed: Narrowed, until_ns: int | None) -> int:
        """Return what those that started before a moment must last to be among the best."""
        worst = self._worst()
        if worst is not None and self._order == Order(_DURATION):
            return worst.duration_ns
        if until_ns is None:
            return 0
        ends = [narrowed.since_ns] if narrowed.since_ns is not None else []
        if worst is not None and self._order == Order(TIME):
            ends.append(worst.end_ns)
        return max([0, *(end - until_ns + 1 for end in ends)])


def best_of(
    asked: Asked, narrowed: Narrowed, conditions: list[Condition], order: Order, limit: int
) -> list[Found]:
    """Return the best rows that fulfil all conditions, in order.

    Args:
        asked: who has them.
        narrowed: what the store is asked for; all that fulfils the conditions.
        conditions: what has to hold.
        order: what is sorted by.
        limit: rows at most.
    """
    best, pages = _Best(order, limit), _Pages(asked, narrowed)
    while pages.more:
        items = pages.next(best.least_duration_ns(narrowed, pages.until_ns))
        best.add(fulfils(best.worth(items), conditions))
    return best.all()


def fulfils(items: Iterable[Item], conditions: list[Condition]) -> Iterable[Found]:
    """Yield the spans that fulfil all conditions, with their rows."""
    for item in items:
        row = execution_row(item)
        values = named_values(item, row)
        if all(holds(condition, values) for condition in conditions):
            yield Found(item, row)


class _Pages:
    """Reads page after page of what started before the last of the page before."""

    def __init__(self, asked: Asked, narrowed: Narrowed) -> None:
        self._asked = asked
        self._narrowed = narrowed
        self._size = _FIRST_PAGE
        self._seen: set[tuple[bytes, ...]] = set()
        self.until_ns = narrowed.until_ns
        self.more = True

    def next(self, least_duration_ns: int) -> list[Item]:
        items = self._asked.listed(self._question(least_duration_ns))
        self.more = len(items) == self._size
        new = [item for item in items if _identity(item) not in self._seen]
        if self.more:
            self._turn(items)
        return new

    def _question(self, least_duration_ns: int) -> dict[str, Any]:
        longer = {"field": "duration", "op": ">=", "value": least_duration_ns}
        question = self._narrowed.question(*([longer] if least_duration_ns else []))
        until = {"until": str(self.until_ns)} if self.until_ns is not None else {}
        return {**question, **until, "limit": self._size}

    def _turn(self, items: list[Item]) -> None:
        """Go on with the last microsecond of a page, of which there may be more than it held."""
        last_us = items[-1].start_ns // _US
        until_ns = (last_us + 1) * _US
        if self.until_ns != until_ns:
            self._seen.clear()
            self._size = min(self._size * 2, max(self._size, _LARGEST_PAGE))
        else:
            self._size *= 2
        self._seen.update(_identity(item) for item in items if item.start_ns // _US == last_us)
        self.until_ns = until_ns


def _identity(item: Item) -> tuple[bytes, ...]:
    message = item.message
    body = message.SerializeToString(deterministic=True)
    return message.trace_id, message.span_id, body, item.service.encode()
