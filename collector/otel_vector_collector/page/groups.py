"""Groups and spans of an answer as the templates show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from otel_vector.services.answers import MeaningGroup
from otel_vector.spans.durations import percentile_ns
from otel_vector.spans.ids import meaning_hex
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.spans.values import text_form
from otel_vector.store.contract import Tally
from otel_vector_collector.page.links import Links

__all__ = [
    "EXAMPLES",
    "Example",
    "GroupRow",
    "Numbers",
    "body_of",
    "example_of",
    "group_rows",
    "numbers_of",
]

EXAMPLES = 3
"""Traces shown with each group."""

_ID_DIGITS = 8
_BODY_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is known of the items that point at a meaning; durations and times in nanoseconds."""

    items: int
    errors: int
    p50_ns: int
    p95_ns: int
    last_ns: int
    is_of_logs: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """One item.

    Attributes:
        link: shows its trace; empty for a log record without one.
        short: the first digits of its trace's id.
        body: of a log record.
    """

    link: str
    trace_id: str
    short: str
    service: str
    name: str
    status: str
    kind: str
    start_ns: int
    duration_ns: int
    likes: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One meaning of an answer."""

    text: str
    facet: str
    link: str
    score: str
    numbers: Numbers
    services: tuple[str, ...]
    examples: tuple[Example, ...]


def group_rows(
    groups: Iterable[MeaningGroup], links: Links, without_trace: str = ""
) -> list[GroupRow]:
    """Return groups as rows.

    Args:
        groups: of an answer.
        links: of the page.
        without_trace: a trace that is no example, since its likes are asked for.
    """
    return [_row(group, links, without_trace) for group in groups]


def numbers_of(spans: Tally, logs: Tally | None, facet: Facet) -> Numbers:
    """Return the numbers of what points at a meaning."""
    tally = logs if facet is Facet.LOG and logs is not None else spans
    return Numbers(
        tally.count,
        tally.errors,
        percentile_ns(tally.histogram, 0.5),
        percentile_ns(tally.histogram, 0.95),
        tally.last_ns,
        is_of_logs=tally is not spans,
    )


def example_of(item: Item, links: Links) -> Example:
    """Return an item as it is listed."""
    is_span = item.signal is Signal.SPANS
    return Example(
        link=links.trace(item.trace_hex, str(item.id)) if item.trace_hex else "",
        trace_id=item.trace_hex,
        short=item.trace_hex.lstrip("0")[:_ID_DIGITS],
        service=item.service,
        name=item.name,
        status=item.status,
        kind=item.kind if is_span else "log",
        start_ns=item.start_ns,
        duration_ns=item.duration_ns,
        likes=links.ask(span=str(item.id)),
        body="" if is_span else body_of(item),
    )


def body_of(item: Item) -> str:
    """Return the text of a log record's body, its beginning if it is long."""
    return text_form(item.message.body)[:_BODY_CHARS]


def _row(group: MeaningGroup, links: Links, without_trace: str) -> GroupRow:
    others = [item for item in group.examples if item.trace_hex != without_trace]
    return GroupRow(
        text=group.meaning.text,
        facet=group.meaning.facet,
        link=links.ask(meaning=meaning_hex(group.meaning.id)),
        score="" if group.score is None else f"{group.score:.2f}",
        numbers=numbers_of(group.spans, group.logs, group.meaning.facet),
        services=group.services,
        examples=tuple(example_of(item, links) for item in _apart(others)[:EXAMPLES]),
    )


def _apart(items: Sequence[Item]) -> list[Item]:
    """Return the first item of each trace."""
    first: dict[str, Item] = {}
    for item in items:
        first.setdefault(item.trace_hex, item)
    return list(first.values())
