"""Listings: pages of items, latest start first, cut out of what walks and scans yield."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from otel_vector.spans.items import Item
from otel_vector.store.contract import Cursor, Page
from otel_vector.store.reading.scanning import Matched

__all__ = ["first_matches", "is_beyond", "order", "page_of"]


def order(item: Item) -> tuple[int, str]:
    """Return what items are sorted by: start in nanoseconds, and id."""
    return item.start_ns, item.id


def is_beyond(item: Item, after: Cursor | None) -> bool:
    """Whether an item comes after a cursor, where later starts come first."""
    return after is None or order(item) < (after.start_ns, after.id)


def page_of(groups: Iterable[list[Item]], limit: int, after: Cursor | None) -> Page:
    """Return the first page of groups of items.

    Args:
        groups: items of descending starts, in no order within a group.
        limit: how many items a page has at most.
        after: where the page before ended.
    """
    items = list(islice(_in_order(groups, after), limit + 1))
    page = tuple(items[:limit])
    more = len(items) > limit and page
    return Page(page, Cursor(page[-1].start_ns, page[-1].id) if more else None)


def _in_order(groups: Iterable[list[Item]], after: Cursor | None) -> Iterator[Item]:
    for group in groups:
        yield from sorted((i for i in group if is_beyond(i, after)), key=order, reverse=True)


def first_matches(
    matches: Iterable[tuple[int, list[Matched]]], limit: int, after: Cursor | None
) -> list[Item]:
    """Return enough matches, in order, that no unread block can come before the last.

    Args:
        matches: for each block, latest end first, its end in microseconds and its matches.
        limit: how many items are enough.
        after: where the page before ended.
    """
    found: list[Item] = []
    for end_us, matched in matches:
        if len(found) >= limit and found[limit - 1].start_ns // 1000 > end_us:
            break
        fresh = [m.item for m in matched if is_beyond(m.item, after)]
        if fresh:
            found = sorted([*found, *fresh], key=order, reverse=True)[:limit]
    return found
