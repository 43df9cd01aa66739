"""Conditions that bracket a filter: one that holds for all it matches, one for nothing else.

`most` ⊇ what the filter matches ⊇ `least`. Where both are the same condition the engine's answer
is exact; else only the items between the two need to be decoded and asked. `and`, `or` and `not`
keep the bracket: a `not` turns it inside out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from otel_vector.store.reading.conditions import (
    Condition,
    Some,
    Without,
    equals_any,
    together,
)

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "UNKNOWN",
    "Clause",
    "all_of",
    "any_of",
    "exactly",
    "none_of",
]


_IMPOSSIBLE: Final = equals_any("t", [-1])


@dataclass(frozen=True, slots=True)
class Clause:
    """A bracket of conditions; None stands for no restriction.

    Attributes:
        most: holds for every item that matches.
        least: holds for no item that does not match.
    """

    most: Condition | None
    least: Condition | None

    @property
    def exact(self) -> bool:
        """Whether the engine alone can answer."""
        return self.most is self.least

    def unsure(self) -> Condition | None:
        """Return the condition of the items that have to be asked themselves; None for all."""
        if self.least is None:
            return _IMPOSSIBLE
        return together([self.most, _complement(self.least)])


EVERYTHING: Final = Clause(None, None)
NOTHING: Final = Clause(_IMPOSSIBLE, _IMPOSSIBLE)
UNKNOWN: Final = Clause(None, _IMPOSSIBLE)
"""Any item may match; the engine cannot tell."""


def exactly(condition: Condition) -> Clause:
    """Return the clause of a condition that stands for just what the filter matches."""
    return Clause(condition, condition)


def all_of(clauses: Sequence[Clause]) -> Clause:
    """Return the conjunction; of none, everything."""
    most = _must([c.most for c in clauses])
    return Clause(most, most if _all_exact(clauses) else _must([c.least for c in clauses]))


def any_of(clauses: Sequence[Clause]) -> Clause:
    """Return the disjunction; of none, nothing."""
    most = _should([c.most for c in clauses])
    return Clause(most, most if _all_exact(clauses) else _should([c.least for c in clauses]))


def none_of(clause: Clause) -> Clause:
    """Return the complement."""
    most = _complement(clause.least)
    return Clause(most, most if clause.exact else _complement(clause.most))


def _all_exact(clauses: Sequence[Clause]) -> bool:
    return all(clause.exact for clause in clauses)


def _must(conditions: Sequence[Condition | None]) -> Condition | None:
    if any(c is _IMPOSSIBLE for c in conditions):
        return _IMPOSSIBLE
    return together(conditions)


def _should(conditions: Sequence[Condition | None]) -> Condition | None:
    bounds = [c for c in conditions if c is not None]
    if len(bounds) < len(conditions):
        return None
    possible = tuple(c for c in bounds if c is not _IMPOSSIBLE)
    return Some(possible) if possible else _IMPOSSIBLE


def _complement(condition: Condition | None) -> Condition | None:
    if condition is None:
        return _IMPOSSIBLE
    return None if condition is _IMPOSSIBLE else Without(condition)
