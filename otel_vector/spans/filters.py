"""The one typed filter. It compiles to the engine, and it evaluates on one stored item.

A property test holds both to the same answer. Semantics:

* A *field* is a built-in (`service`, `name`, `kind`, `status`, `duration`, `trace`, `span`,
  `parent`, `run`, `severity`, `scope`, `scope.version`) or an attribute. An attribute key
  without a scope is looked up in span (or log), resource, instrumentation scope, event and link
  attributes, and matches when any of them does; `Scope` restricts it to one of these.
* Old and new names of one convention are one key (see `conventions`).
* Values are compared by their own type where the query's value reads as that type: `500`
  equals the integer 500, the double 500.0 and the text "500" (not the text "500.0"). Any value
  equals its whole text form (see `values`), too. `<`, `<=`, `>`, `>=` compare numbers,
  including texts that read as one; a bound that is no number matches nothing. `prefix` and
  `contains` compare text forms, in exact case.
* An array matches when its whole text form or any of its elements does, at any depth of arrays.
* A built-in always has a value, which may be empty (`parent` of a root), except `severity`: a
  span, and a log record without one, has none. `Exists` on a built-in: it is not empty.
* A phrase is a substring, in exact case, of the name, the status message, an event's name, a
  log's body or any attribute's value; lists and maps are entered, their keys are not looked at.
  A number is met whole, as by `=`: `500` does not occur in 1500. Bytes and booleans are not
  text. A phrase of 32 hex digits is compared with the item's trace id, one of 16 with its span
  id, in either case.
* `Not` matches everything its inside does not, items without the key included.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "And",
    "Attribute",
    "BuiltIn",
    "Compare",
    "Exists",
    "Field",
    "Filter",
    "Not",
    "Op",
    "Or",
    "Phrase",
    "PointsAt",
    "Scope",
    "Where",
]


class BuiltIn(StrEnum):
    """Fields that every span has, whatever its attributes."""

    SERVICE = "service"
    NAME = "name"
    KIND = "kind"
    """`internal`, `server`, `client`, `producer`, `consumer`, `unspecified`."""
    STATUS = "status"
    """`unset`, `ok`, `error`."""
    DURATION = "duration"
    """Nanoseconds."""
    TRACE = "trace"
    """32 hex digits."""
    SPAN = "span"
    """16 hex digits."""
    PARENT = "parent"
    """16 hex digits; empty for a root."""
    RUN = "run"
    """`live`, `replay`, `test`, `eval`, `shadow`, `self`."""
    SEVERITY = "severity"
    """Log severity number, 1 to 24."""
    SCOPE = "scope"
    """Name of the instrumentation scope."""
    SCOPE_VERSION = "scope.version"
    """Version of the instrumentation scope."""


class Scope(StrEnum):
    """Where an attribute is looked up."""

    ANY = "any"
    SPAN = "span"
    RESOURCE = "resource"
    INSTRUMENTATION = "instrumentation"
    EVENT = "event"
    LINK = "link"


class Op(StrEnum):
    """How a value is compared."""

    EQ = "="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    PREFIX = "prefix"
    CONTAINS = "contains"


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute key, perhaps within one scope."""

    key: str
    scope: Scope = Scope.ANY


Field = BuiltIn | Attribute


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against values: true when any of them matches (any-of for `EQ`).

    Attributes:
        values: texts, as typed; never empty. For `duration` a number of nanoseconds as text.
    """

    field: Field
    op: Op
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """The item has the attribute, with whatever value; a built-in: it is not empty."""

    field: Field


@dataclass(frozen=True, slots=True)
class Phrase:
    """The text occurs in any attribute value, name, status message or log body; exact case.

    An empty text occurs everywhere.
    """

    text: str


@dataclass(frozen=True, slots=True)
class PointsAt:
    """The item points at one of these meanings (ids), by itself or by a join."""

    meanings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class And:
    """All of them; an empty `And` matches everything."""

    items: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them; an empty `Or` matches nothing."""

    items: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    item: Filter


Filter = Compare | Exists | Phrase | PointsAt | And | Or | Not


@dataclass(frozen=True, slots=True)
class Where:
    """What a question is restricted to.

    Attributes:
        filter: the condition; `None` for all.
        since_ns: earliest start, inclusive, nanoseconds since the epoch.
        until_ns: latest start, exclusive.
        runs: run kinds that count; `("live",)` unless told otherwise, empty for all.
    """

    filter: Filter | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    runs: tuple[str, ...] = ("live",)
