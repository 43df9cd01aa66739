"""What a page's URL asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from string import hexdigits
from typing import Final

from otel_vector.errors import InvalidQueryError
from otel_vector.services.query import parse_filter
from otel_vector.services.search import Restriction
from otel_vector.spans.meanings import Facet

__all__ = ["FACETS_OF_SPANS", "Asked", "asked_of", "whole_trace_id"]

FACETS_OF_SPANS: Final = tuple(f for f in Facet if f not in {Facet.LOG, Facet.CODE})
"""The sides of a span that have texts."""

_SUBJECTS: Final = ("q", "like", "trace", "span", "meaning")
_TRACE_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of `/ask`, as they stand in the URL; empty where one is missing.

    Attributes:
        q: a question in words; conditions in it narrow.
        like: a text whose likes are looked for, taken as it is.
        trace: id of a trace whose likes are looked for.
        span: content id of a span whose likes are looked for.
        meaning: id of a meaning whose spans are listed.
        filter: conditions in the query language.
        since, until: the window of starts.
        facet: only meanings of this side of a span.
        cursor: where the page before ended.
    """

    q: str = ""
    like: str = ""
    trace: str = ""
    span: str = ""
    meaning: str = ""
    filter: str = ""
    since: str = ""
    until: str = ""
    facet: str = ""
    cursor: str = ""

    @property
    def subject(self) -> str:
        """Which of its parameters says what is asked about; empty for none.

        Raises:
            InvalidQueryError: several do.
        """
        named = [name for name in _SUBJECTS if getattr(self, name)]
        if len(named) > 1:
            raise InvalidQueryError(f"ask for one of {' and '.join(named)} at a time")
        return named[0] if named else ""

    @property
    def facets(self) -> tuple[Facet, ...]:
        """The facets of the meanings that may answer; empty for all.

        Raises:
            InvalidQueryError: there is no such facet.
        """
        if not self.facet:
            return ()
        if self.facet not in FACETS_OF_SPANS:
            raise InvalidQueryError(
                f"no span has the facet {self.facet!r}: use {', '.join(FACETS_OF_SPANS)}"
            )
        return (Facet(self.facet),)

    def restriction(self) -> Restriction:
        """Return which spans count.

        Raises:
            InvalidQueryError: the filter cannot be read.
        """
        return Restriction(parse_filter(self.filter), self.since, self.until)

    def parameters(self, **changed: str) -> dict[str, str]:
        """Return the parameters that are not empty, some of them changed."""
        mine = {part.name: getattr(self, part.name) for part in fields(self)} | changed
        return {name: value for name, value in mine.items() if value}


def asked_of(parameters: Mapping[str, str]) -> Asked:
    """Return what parameters ask for; those that no page has are passed over."""
    names = (part.name for part in fields(Asked))
    return Asked(**{name: parameters.get(name, "").strip() for name in names})


def whole_trace_id(text: str) -> str:
    """Return a trace id with the zeros that some tools leave out at its front."""
    is_hex = bool(text) and set(text.lower()) <= set(hexdigits)
    return text.rjust(_TRACE_DIGITS, "0") if is_hex else text
