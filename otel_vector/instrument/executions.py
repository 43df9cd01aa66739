"""Executions that are asked for: by filters, by words, or by both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from otel_vector.errors import InvalidInputError, NotFoundError
from otel_vector.instrument.asking import Asked, Json
from otel_vector.instrument.conditions import TIME, Condition, conditions_of, holds
from otel_vector.instrument.known_names import KnownNames
from otel_vector.instrument.narrowing import Narrowed, narrowed
from otel_vector.instrument.ordered import Found, Order, best_of, fulfils
from otel_vector.instrument.paging import LARGEST_PAGE, check_limit, pages, rows
from otel_vector.instrument.rows import Row
from otel_vector.spans.ids import SpanId
from otel_vector.spans.items import Item

__all__ = ["Executions", "Wish"]

_Identity = tuple[str, str, int, int, str]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which executions are wanted.

    Attributes:
        limit: how many at most.
        filters: see `conditions`.
        order: what they are sorted by; None for the end, latest first, or with words for how well
            they answer.
        words: what they are to be about, in the query language; empty for anything.
        facets: sides of a span that the words are compared with; empty for all.
        runs: kinds of runs that count unless the filters say it.
    """

    limit: int = 10
    filters: Mapping[str, Any] | None = None
    order: Order | None = None
    words: str = ""
    facets: tuple[str, ...] = ()
    runs: tuple[str, ...] = ("live",)


class Executions:
    """Asks for spans and makes rows of them.

    Args:
        asked: whom.
        declared: names of tags that there may be before any span has them.
    """

    def __init__(self, asked: Asked, declared: Iterable[str] = ()) -> None:
        self._asked = asked
        self._names = KnownNames(asked, declared)

    def find(self, wish: Wish) -> list[Row]:
        """Return rows of the executions that are wanted.

        Raises:
            InvalidInputError: a name to filter or sort by is unknown, or a value cannot be.
            OtelVectorError: the store does not answer.
        """
        check_limit(wish.limit)
        conditions = conditions_of(wish.filters)
        for condition in conditions:
            self._names.check_condition(condition)
        if wish.order is not None:
            self._names.check(wish.order.name, "sort_by")
        by_id = [c for c in conditions if c.name == "uuid"]
        others = [c for c in conditions if c.name != "uuid"]
        wanted = [*others, *map(self._spans_of, by_id)]
        if not all(condition.values for condition in wanted if condition.op != "not_equal"):
            return []  # any of no values
        asked = narrowed(wanted, wish.runs)
        find = self._about if wish.words else self._latest
        found = find(wish, asked, others)
        return [one.row for one in found if all(holds(c, one.row) for c in by_id)]

    def _latest(self, wish: Wish, asked: Narrowed, conditions: list[Condition]) -> list[Found]:
        """Return the first of an order, with their content ids."""
        order = wish.order or Order(TIME)
        found = best_of(self._asked, asked, conditions, order, wish.limit)
        for start in range(0, len(found), LARGEST_PAGE):
            part = found[start : start + LARGEST_PAGE]
            places = _places((one.item.trace_hex, one.item.span_hex) for one in part)
            question = {**places, "group": False, "limit": LARGEST_PAGE}
            ids = {_listed_as(row): row["id"] for row in rows(self._asked, question, "spans")}
            for one in part:
                one.row["uuid"] = ids.get(_identity(one.item), "")
        return found

    def _about(self, wish: Wish, asked: Narrowed, conditions: list[Condition]) -> list[Found]:
        """Return those that answer best."""
        question = {**asked.question(), "text": wish.words, "facets": list(wish.facets)}
        question |= {"group": False, "limit": LARGEST_PAGE}
        if asked.until_ns is not None:
            question["until"] = str(asked.until_ns)
        found = list[Found]()
        for page in pages(self._asked, question, "spans"):
            found += fulfils(self._items(page), conditions)
            if len(found) >= wish.limit:
                break
        best = found[: wish.limit]
        return sorted(best, key=wish.order.key) if wish.order else best

    def _items(self, page: list[Json]) -> list[Item]:
        """Return the spans of a page, in its order, with their content ids."""
        if not page:
            return []
        places = _places((row["trace_id"], row["span_id"]) for row in page)
        items = {_identity(item): item for item in self._asked.listed(places)}
        found = list[Item]()
        for row in page:
            item = items.get(_listed_as(row))
            if item is not None:
                item.id = SpanId(row["id"])
                found.append(item)
        return found

    def _spans_of(self, condition: Condition) -> Condition:
        """Return a condition on span ids for one on content ids."""
        if condition.op != "equal":
            raise InvalidInputError("uuid is compared by equality only; filter by trace_id")
        found = [span for value in condition.values if (span := self._span_of(str(value)))]
        return Condition("span_id", "equal", tuple(found))

    def _span_of(self, uuid: str) -> str:
        try:
            return str(self._asked.span(uuid)["span_id"])
        except NotFoundError:
            return ""


def _places(ids: Iterable[tuple[str, str]]) -> Json:
    """Return what asks for the spans of some traces that have some ids, of any run."""
    traces, spans = zip(*ids, strict=True)
    return {
        "filter": {
            "and": [
                {"field": "trace", "values": sorted(set(traces))},
                {"field": "span", "values": sorted(set(spans))},
            ]
        },
        "runs": ["all"],
    }


def _identity(item: Item) -> _Identity:
    return item.trace_hex, item.span_hex, item.start_ns, item.duration_ns, item.name


def _listed_as(row: Json) -> _Identity:
    """Return the same of a row of the API."""
    times = int(row["start_time_unix_nano"]), int(row["duration_nano"])
    return row["trace_id"], row["span_id"], *times, row["name"]
