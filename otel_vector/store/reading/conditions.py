"""Conditions on points, as values: what a filter becomes before an adapter renders it.

A condition is immutable and compared by identity where a clause has to tell whether two bounds
are the same one. None stands for no restriction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["AnyOf", "Condition", "Every", "Range", "Some", "Without", "equals_any", "together"]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A field, or one entry of its list, is one of these values."""

    field: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A number at or above `low` and below `below`; None leaves a side open."""

    field: str
    low: float | None
    below: float | None


@dataclass(frozen=True, slots=True)
class Every:
    """All of them hold."""

    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """One of them holds."""

    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """This does not hold."""

    item: Condition


Condition = AnyOf | Range | Every | Some | Without


def equals_any(field: str, values: Iterable[int]) -> Condition:
    """Return the condition that a field holds one of these integers."""
    return AnyOf(field, tuple(values))


def together(conditions: Sequence[Condition | None]) -> Condition | None:
    """Return the conjunction of those that restrict something; None if none does."""
    bounds = [c for c in conditions if c is not None]
    return (Every(tuple(bounds)) if len(bounds) > 1 else bounds[0]) if bounds else None
