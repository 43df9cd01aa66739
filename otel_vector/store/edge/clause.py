"""Conditions that bracket a filter: one that holds for all it matches, one for nothing else.

`most` ⊇ what the filter matches ⊇ `least`. Where both are the same condition the engine's answer
is exact; else only the items between the two need to be decoded and asked. `and`, `or` and `not`
keep the bracket: a `not` turns it inside out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import qdrant_edge as engine

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "UNKNOWN",
    "Clause",
    "all_of",
    "any_of",
    "equals_any",
    "exactly",
    "none_of",
]


def equals_any(field: str, values: Iterable[int]) -> Any:
    """Return the condition that a field holds one of these integers."""
    return engine.FieldCondition(field, match=engine.MatchAny(list(values)))


_IMPOSSIBLE: Final = equals_any("t", [-1])


@dataclass(frozen=True, slots=True)
class Clause:
    """A bracket of engine conditions; None stands for no restriction.

    Attributes:
        most: holds for every item that matches.
        least: holds for no item that does not match.
    """

    most: Any | None
    least: Any | None

    @property
    def exact(self) -> bool:
        """Whether the engine alone can answer."""
        return self.most is self.least

    def unsure(self) -> engine.Filter:
        """Return the condition of the items that have to be asked themselves."""
        must = [] if self.most is None else [self.most]
        must_not = [_IMPOSSIBLE] if self.least is None else [self.least]
        return engine.Filter(must=must, must_not=must_not)


EVERYTHING: Final = Clause(None, None)
NOTHING: Final = Clause(_IMPOSSIBLE, _IMPOSSIBLE)
UNKNOWN: Final = Clause(None, _IMPOSSIBLE)
"""Any item may match; the engine cannot tell."""


def exactly(condition: Any) -> Clause:
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


def _must(conditions: Sequence[Any | None]) -> Any | None:
    bounds = [c for c in conditions if c is not None]
    if _IMPOSSIBLE in bounds:
        return _IMPOSSIBLE
    return (engine.Filter(must=bounds) if len(bounds) > 1 else bounds[0]) if bounds else None


def _should(conditions: Sequence[Any | None]) -> Any | None:
    if any(c is None for c in conditions):
        return None
    possible = [c for c in conditions if c is not _IMPOSSIBLE]
    return engine.Filter(should=possible) if possible else _IMPOSSIBLE


def _complement(condition: Any | None) -> Any | None:
    if condition is None:
        return _IMPOSSIBLE
    return None if condition is _IMPOSSIBLE else engine.Filter(must_not=[condition])
