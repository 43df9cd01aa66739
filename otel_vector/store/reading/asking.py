"""What a filter asks for, told from its tree."""

from __future__ import annotations

from otel_vector.spans.filters import And, BuiltIn, Compare, Filter, Not, Op, Or, PointsAt

__all__ = ["asks_meanings", "services_in"]


def asks_meanings(node: Filter) -> bool:
    """Return whether a filter asks what only points know: the meanings of an item."""
    match node:
        case PointsAt():
            return True
        case And(items) | Or(items):
            return any(asks_meanings(item) for item in items)
        case Not(item):
            return asks_meanings(item)
    return False


def services_in(node: Filter) -> frozenset[str] | None:
    """Return the services that a match can be of; None if any."""
    match node:
        case Compare(BuiltIn.SERVICE, Op.EQ, values):
            return frozenset(values)
        case And(items):
            told = [services for item in items if (services := services_in(item)) is not None]
            return frozenset.intersection(*told) if told else None
        case Or(items):
            each = [services_in(item) for item in items]
            return None if None in each else frozenset().union(*[s for s in each if s])
    return None
