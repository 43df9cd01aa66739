"""Items one by one: newest first without words, else by the meanings they point at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from otel_vector.services.answers import Found
from otel_vector.services.search.pages import PageState
from otel_vector.services.search.question import SearchQuestion, Understood, narrowed
from otel_vector.spans.filters import Not, PointsAt, Where
from otel_vector.spans.items import Item
from otel_vector.store.contract import Cursor, SpanReader

__all__ = ["listed_by_meaning", "listed_by_time"]


def listed_by_time(
    reader: SpanReader, question: Understood, state: PageState
) -> tuple[list[Found], PageState | None]:
    """Return one page of all items that count, newest first, and where the next starts."""
    items, after = _newest(reader, question.where, question.asked, state.after)
    return [Found(item) for item in items], replace(state, after=after) if after else None


def listed_by_meaning(
    reader: SpanReader, question: Understood, state: PageState
) -> tuple[list[Found], PageState | None]:
    """Return one page of items in the order of their best meaning, newest first within it.

    An item stands under the best of the meanings it points at and under no other.
    """
    found: list[Found] = []
    limit = question.asked.limit
    for position, where in _parts(question.where, state):
        candidate = state.ranked[position]
        after = state.after if position == state.position else None
        asked = replace(question.asked, limit=limit - len(found))
        items, rest = _newest(reader, where, asked, after)
        found += [Found(item, candidate.score, candidate.why) for item in items]
        if rest:
            return found, replace(state, position=position, after=rest)
        if len(found) == limit:
            return found, _following(state, position + 1)
    return found, None


def _following(state: PageState, position: int) -> PageState | None:
    if position == len(state.ranked):
        return None
    return replace(state, position=position, after=None)


def _parts(where: Where, state: PageState) -> Iterator[tuple[int, Where]]:
    """Yield each candidate from a position on, with what its own items have to fulfil."""
    for position in range(state.position, len(state.ranked)):
        part = narrowed(where, PointsAt((state.ranked[position].meaning,)))
        better = tuple(candidate.meaning for candidate in state.ranked[:position])
        yield position, narrowed(part, Not(PointsAt(better))) if better else part


def _newest(
    reader: SpanReader, where: Where, asked: SearchQuestion, after: Cursor | None
) -> tuple[list[Item], Cursor | None]:
    """Return the newest items of all signals after a place, and the place where they end.

    One place serves both signals, since they are ordered alike by (start, id).
    """
    pages = [reader.find(signal, where, asked.limit, after) for signal in asked.over]
    items = sorted(
        (item for page in pages for item in page.items),
        key=lambda item: (item.start_ns, item.id),
        reverse=True,
    )
    shown = items[: asked.limit]
    more = len(items) > len(shown) or any(page.next for page in pages)
    return shown, Cursor(shown[-1].start_ns, shown[-1].id) if shown and more else None
