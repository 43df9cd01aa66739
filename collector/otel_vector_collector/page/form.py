"""The form as the template shows it: what was asked, and what there is to choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from otel_vector_collector.page.asked import FACETS_OF_SPANS, Asked

__all__ = ["Choice", "Form", "form_of"]

_WINDOWS: Final = {
    "": "any time",
    "-15m": "last 15 minutes",
    "-1h": "last hour",
    "-6h": "last 6 hours",
    "-24h": "last 24 hours",
    "-7d": "last 7 days",
    "-30d": "last 30 days",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values of a field."""

    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Form:
    """What the form shows when a page is opened."""

    q: str
    filter: str
    until: str
    since: tuple[Choice, ...]
    facet: tuple[Choice, ...]


def form_of(asked: Asked) -> Form:
    """Return the form with what was asked in it; a window that is none of ours is kept, too."""
    windows = {asked.since: f"since {asked.since}"} | _WINDOWS
    facets = {"": "any side"} | {str(facet): str(facet) for facet in FACETS_OF_SPANS}
    return Form(
        q=asked.q,
        filter=asked.filter,
        until=asked.until,
        since=_choices(windows, asked.since),
        facet=_choices(facets, asked.facet),
    )


def _choices(texts: dict[str, str], chosen: str) -> tuple[Choice, ...]:
    return tuple(Choice(value, text, value == chosen) for value, text in texts.items())
