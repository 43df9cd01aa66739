"""What is asked, answered by the services: the values of the template `ask.html`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from otel_vector.errors import InvalidQueryError
from otel_vector.services.answers import GroupedAnswer, ListedAnswer
from otel_vector.services.commonest import CommonestQuestion, Sort
from otel_vector.services.container import Services
from otel_vector.services.search import Restriction, SearchQuestion
from otel_vector.services.similar import SimilarQuestion
from otel_vector.services.traces import Detail
from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.contract import Tally
from otel_vector_collector.page.asked import Asked, whole_trace_id
from otel_vector_collector.page.details import span_view
from otel_vector_collector.page.groups import GroupRow, example_of, group_rows, numbers_of
from otel_vector_collector.page.links import Links
from otel_vector_collector.page.telling import most_telling

__all__ = ["Asking", "answer"]

_LATE: Final = "-24h"
_GROUPS: Final = 10
_SPANS: Final = 50
_EXAMPLES: Final = 6  # looked at for each group, of which those of other traces are shown
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asking:
    """One question of a tenant's, and the page that shows its answer."""

    services: Services
    tenant: Tenant
    asked: Asked
    links: Links

    def spans_like(self, detail: Detail) -> GroupedAnswer:
        """Return the meanings that are nearest to those of a span."""
        return self._similar(SimilarQuestion(span=SpanId(str(detail.item.id)), **self._bounds()))

    def texts_like(self, text: str) -> GroupedAnswer:
        """Return the meanings that are nearest to a text."""
        return self._similar(SimilarQuestion(text=text, **self._bounds()))

    def found(self) -> GroupedAnswer | ListedAnswer:
        """Return what answers the question in words, or without words what the filter leaves."""
        question = SearchQuestion(text=self.asked.q, cursor=self.asked.cursor, **self._bounds())
        return self.services.search.answer(self.tenant, question)

    def _similar(self, question: SimilarQuestion) -> GroupedAnswer:
        return self.services.similar.answer(self.tenant, question)

    def _bounds(self) -> Values:
        return {
            "restriction": self.asked.restriction(),
            "facets": self.asked.facets,
            "limit": _GROUPS,
            "examples": _EXAMPLES,
        }


def answer(asking: Asking) -> Values:
    """Return what the template `ask.html` shows; without a question, nothing but the form.

    Raises:
        InvalidQueryError: what is asked cannot be read.
        NotFoundError: there is no such trace, span or meaning.
    """
    asked = asking.asked
    subject = asked.subject
    if subject in _ANSWERS:
        return _ANSWERS[subject](asking)
    if subject or asked.filter or asked.since or asked.until or asked.facet:
        return _by_words(asking)
    return {"kind": "nothing", "failures": _failures(asking), "more": ""}


def _failures(asking: Asking) -> list[GroupRow]:
    """Return what failed most of late, for whoever has no question yet.

    Errors tell most; spans that failed without a word are told by their operations.
    """
    for facet in (Facet.ERROR, Facet.OPERATION):
        question = CommonestQuestion(
            facet=facet,
            sort=Sort.ERRORS,
            restriction=Restriction(since=_LATE),
            limit=_GROUPS,
            examples=_EXAMPLES,
        )
        found = asking.services.commonest.answer(asking.tenant, question)
        failed = [group for group in found.groups if group.spans.errors]
        if failed:
            return group_rows(failed, asking.links)
    return []


def _by_words(asking: Asking) -> Values:
    found = asking.found()
    assert isinstance(found, GroupedAnswer)
    return {"kind": "words", **_groups(asking, found)}


def _by_text(asking: Asking) -> Values:
    found = asking.texts_like(asking.asked.like)
    return {"kind": "like", **_groups(asking, found)}


def _by_trace(asking: Asking) -> Values:
    traces, trace_id = asking.services.traces, whole_trace_id(asking.asked.trace)
    telling = most_telling(traces.trace(asking.tenant, trace_id))
    detail = traces.span(asking.tenant, str(telling.row.item.id))
    return {"kind": "trace", "why": telling.why, **_like_span(asking, detail)}


def _by_span(asking: Asking) -> Values:
    detail = asking.services.traces.span(asking.tenant, asking.asked.span)
    if detail.item.signal is not Signal.SPANS:
        raise InvalidQueryError(f"{detail.item.id} is a log record, and only spans are compared")
    return {"kind": "span", "why": "", **_like_span(asking, detail)}


def _like_span(asking: Asking, detail: Detail) -> Values:
    found = asking.spans_like(detail)
    trace_id, span_id = detail.item.trace_hex, str(detail.item.id)
    return {
        **_groups(asking, found, without_trace=trace_id),
        "span": span_view(detail, asking.links),
        "trace_link": asking.links.trace(trace_id, span_id),
        "own_link": asking.links.own_trace(trace_id, span_id),
    }


def _by_meaning(asking: Asking) -> Values:
    meanings, asked = asking.services.meanings, asking.asked
    known = meanings.meaning(asking.tenant, asked.meaning)
    listed = meanings.pointing_at(
        asking.tenant, asked.meaning, _SPANS, asked.cursor, asked.restriction()
    )
    group = known.pointing
    tallies = (group.spans, group.logs) if group else (Tally(), None)
    return {
        "kind": "meaning",
        "meaning": known.meaning,
        "pending": known.pending,
        "numbers": numbers_of(*tallies, known.meaning.facet),
        "services": group.services if group else (),
        "likes": asking.links.ask(like=known.meaning.text, facet=str(known.meaning.facet)),
        "rows": [example_of(found.item, asking.links) for found in listed.items],
        **_page(asking, listed),
    }


def _groups(asking: Asking, found: GroupedAnswer, without_trace: str = "") -> Values:
    rows = group_rows(found.groups, asking.links, without_trace)
    return {"groups": rows, "waiting": found.pending, **_page(asking, found)}


def _page(asking: Asking, found: GroupedAnswer | ListedAnswer) -> Values:
    cursor = found.next
    more = asking.links.ask(**asking.asked.parameters(cursor=cursor)) if cursor else ""
    return {"more": more, "took_ms": round(found.took_ms)}


_ANSWERS: Final[Mapping[str, Callable[[Asking], Values]]] = MappingProxyType(
    {"like": _by_text, "trace": _by_trace, "span": _by_span, "meaning": _by_meaning}
)
