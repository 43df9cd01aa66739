"""What a question may say besides its words, as keywords; docs/api.md tells what each means.

None stands for what is not said. A test holds these to the schema of the API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

__all__ = [
    "DeletionOptions",
    "ExportOptions",
    "Facet",
    "MeaningsOptions",
    "PageOptions",
    "SearchOptions",
    "Signal",
    "SimilarOptions",
    "Within",
]

Facet = Literal[
    "operation",
    "error",
    "input",
    "output",
    "system",
    "reasoning",
    "tool",
    "retrieval",
    "log",
    "code",
]
Signal = Literal["spans", "logs"]


class Within(TypedDict, total=False):
    """Which items count, of lists and events."""

    filter: str | None
    since: str | None
    until: str | None
    runs: Sequence[str] | None


class PageOptions(Within, total=False):
    """Which page of them."""

    limit: int | None
    cursor: str | None


class MeaningsOptions(Within, total=False):
    """Which meanings are listed, in what order, and which spans count."""

    facet: Facet | None
    sort: Literal["errors", "spans", "p95", "last_seen"] | None
    service: str | None
    limit: int | None
    examples: int | None


class _Restriction(TypedDict, total=False):
    filter: str | Mapping[str, Any] | None
    since: str | None
    until: str | None
    runs: Sequence[str] | None


class SearchOptions(_Restriction, total=False):
    """Of a search, besides its words and whether it is grouped."""

    facets: Sequence[Facet] | None
    limit: int | None
    cursor: str | None
    examples: int | None
    over: Sequence[Literal["spans", "logs", "records"]] | None
    collections: Sequence[str] | None


class SimilarOptions(_Restriction, total=False):
    """Of a search for what is similar, besides a text."""

    span: str | None
    meaning: str | None
    facets: Sequence[Facet] | None
    limit: int | None
    examples: int | None
    over: Sequence[Signal] | None


class DeletionOptions(_Restriction, total=False):
    """What is to be deleted: exactly one of `trace_ids`, `ids` and `filter`."""

    trace_ids: Sequence[str] | None
    ids: Sequence[str] | None
    signals: Sequence[Signal] | None
    all: bool | None
    dry_run: bool | None


class ExportOptions(_Restriction, total=False):
    """What is read out."""

    signal: Signal | None
    limit: int | None
