"""Whom an application asks for what it has recorded: a collector, or the store in its process.

Questions and answers are those of the HTTP API (docs/api.md) in both cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.items import Item, items_of
from otel_vector.spans.meanings import Facet, RunKind, Signal

if TYPE_CHECKING:
    from otel_vector.client import Client
    from otel_vector.services.container import Services
    from otel_vector.services.search import Restriction

__all__ = ["Asked", "Collector", "Embedded", "Json"]

Json = dict[str, Any]
Question = Mapping[str, Any]

_TENANT: Final = Tenant("default")
_LENGTH: Final = 4  # bytes before a message, big-endian


class Asked(Protocol):
    """What is asked; errors are those of `otel_vector.errors`."""

    def search(self, question: Question) -> Json:
        """Answer `POST /v1/search`."""
        ...

    def listed(self, question: Question) -> list[Item]:
        """Return what `POST /v1/export` gives: spans, newest first, without content ids."""
        ...

    def span(self, point_id: str) -> Json:
        """Return a span by its content id."""
        ...

    def spans(self, trace_id: str, span_id: str) -> Json:
        """Return the spans that carry a span id."""
        ...

    def record(self, collection: str, key: str) -> Json:
        """Return the active version of a record."""
        ...

    def attributes(self) -> Json:
        """Return the keys of the attributes that spans have."""
        ...

    def waiting(self) -> int | None:
        """Return how many requests are accepted and not yet stored; None if nobody can tell."""
        ...


class Collector:
    """A running collector."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def search(self, question: Question) -> Json:
        """See `Asked`."""
        return cast("Json", self._client.search(question))

    def listed(self, question: Question) -> list[Item]:
        """See `Asked`."""
        answer = b"".join(self._client.export(question, protobuf=True))
        return [item for body in _messages(answer) for item in _items(body)]

    def span(self, point_id: str) -> Json:
        """See `Asked`."""
        return cast("Json", self._client.span(point_id))

    def spans(self, trace_id: str, span_id: str) -> Json:
        """See `Asked`."""
        return cast("Json", self._client.spans(trace_id, span_id))

    def record(self, collection: str, key: str) -> Json:
        """See `Asked`."""
        return cast("Json", self._client.record(collection, key))

    def attributes(self) -> Json:
        """See `Asked`."""
        return cast("Json", self._client.attributes())

    def waiting(self) -> int | None:
        """See `Asked`."""
        inbox = self._client.stats()["inbox"]
        return inbox["pending"] if inbox else None


class Embedded:
    """The services of a store in this process."""

    def __init__(self, services: Services, tenant: Tenant = _TENANT) -> None:
        self._services = services
        self._tenant = tenant

    def search(self, question: Question) -> Json:
        """See `Asked`."""
        from otel_vector.services.search import SearchQuestion
        from otel_vector.services.shapes import answer_json

        over = question.get("over") or [Signal.SPANS]
        asked = SearchQuestion(
            text=question.get("text", ""),
            restriction=_restriction(question),
            facets=tuple(map(Facet, question.get("facets", ()))),
            limit=question.get("limit", 10),
            cursor=question.get("cursor") or "",
            group=question.get("group", True),
            over=tuple(signal for signal in Signal if signal in over),
            records="records" in over,
            collections=tuple(question.get("collections", ())),
        )
        return answer_json(self._services.search.answer(self._tenant, asked))

    def listed(self, question: Question) -> list[Item]:
        """See `Asked`."""
        messages = self._services.exporting.messages(
            self._tenant, Signal.SPANS, _restriction(question), question.get("limit")
        )
        return [item for data in messages for item in _items(data.SerializeToString())]

    def span(self, point_id: str) -> Json:
        """See `Asked`."""
        from otel_vector.services.detail import detail_json

        return detail_json(self._services.traces.span(self._tenant, point_id))

    def spans(self, trace_id: str, span_id: str) -> Json:
        """See `Asked`."""
        from otel_vector.services.detail import detail_json

        found = self._services.traces.spans(self._tenant, trace_id, span_id)
        return {"spans": [detail_json(detail) for detail in found]}

    def record(self, collection: str, key: str) -> Json:
        """See `Asked`."""
        from otel_vector.services.shapes import shown_record_json

        return shown_record_json(self._services.records.get(self._tenant, collection, key))

    def attributes(self) -> Json:
        """See `Asked`."""
        from otel_vector.services.search import Restriction
        from otel_vector.services.shapes import keys_json

        found = self._services.catalog.attributes(self._tenant, Signal.SPANS, Restriction())
        return keys_json(found)

    def waiting(self) -> int | None:
        """See `Asked`."""
        waiting = self._services.stats.answer(self._tenant).waiting
        return waiting.pending if waiting else None


def _restriction(question: Question) -> Restriction:
    from otel_vector.services.query import filter_from_json
    from otel_vector.services.search import Restriction

    condition = question.get("filter")
    return Restriction(
        filter_from_json(condition) if condition else None,
        question.get("since", ""),
        question.get("until", ""),
        tuple(question.get("runs", (RunKind.LIVE,))),
    )


def _messages(answer: bytes) -> Iterator[bytes]:
    """Yield the messages of an answer, each of which stands after its length."""
    at = 0
    while at < len(answer):
        start = at + _LENGTH
        at = start + int.from_bytes(answer[at:start], "big")
        yield answer[start:at]


def _items(body: bytes) -> list[Item]:
    return items_of(Signal.SPANS, body, repeat(SpanId("")))
