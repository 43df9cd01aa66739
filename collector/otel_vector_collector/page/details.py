"""Everything a span has, as the templates show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from otel_vector.services.traces import Detail
from otel_vector.spans.ids import meaning_hex
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Meaning
from otel_vector.spans.values import text_form
from otel_vector_collector.page.links import Links

__all__ = ["Part", "ShownMeaning", "SpanView", "meanings_of", "span_view"]

_VALUE_CHARS = 2000
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """A headed list of attributes; its link leads to what a span link names."""

    heading: str
    pairs: tuple[Pair, ...]
    link: str = ""


@dataclass(frozen=True, slots=True)
class ShownMeaning:
    """A meaning that a span points at."""

    facet: str
    text: str
    link: str


@dataclass(frozen=True, slots=True)
class SpanView:
    """One span; durations and times in nanoseconds."""

    id: str
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    kind: str
    status: str
    status_message: str
    start_ns: int
    duration_ns: int
    run: str
    parts: tuple[Part, ...]
    meanings: tuple[ShownMeaning, ...]
    likes: str

    @property
    def failed(self) -> bool:
        """Whether its status is error."""
        return self.status == "error"


def span_view(detail: Detail, links: Links) -> SpanView:
    """Return everything a span has."""
    item = detail.item
    return SpanView(
        id=str(item.id),
        trace_id=item.trace_hex,
        span_id=item.span_hex,
        parent_id=item.parent_hex,
        name=item.name,
        service=item.service,
        kind=item.kind,
        status=item.status,
        status_message=item.message.status.message,
        start_ns=item.start_ns,
        duration_ns=item.duration_ns,
        run=str(item.run),
        parts=tuple(part for part in _parts(item, links) if part.pairs or part.link),
        meanings=meanings_of(detail.meanings, links),
        likes=links.ask(span=str(item.id)),
    )


def meanings_of(meanings: Iterable[Meaning], links: Links) -> tuple[ShownMeaning, ...]:
    """Return meanings with the links that list what points at them."""
    return tuple(
        ShownMeaning(str(m.facet), m.text, links.ask(meaning=meaning_hex(m.id))) for m in meanings
    )


def _parts(item: Item, links: Links) -> Iterable[Part]:
    span, scope = item.message, item.scope.scope
    yield Part("attributes", _pairs(span.attributes))
    for event in span.events:
        after_ms = (event.time_unix_nano - item.start_ns) / 1e6
        time: Pair = ("after", f"{after_ms:.3f} ms")
        yield Part(f"event {event.name}", (time, *_pairs(event.attributes)))
    for link in span.links:
        target = link.trace_id.hex()
        pairs = (("trace", target), ("span", link.span_id.hex()), *_pairs(link.attributes))
        yield Part("link", pairs, links.trace(target))
    yield Part("resource", _pairs(item.resource.resource.attributes))
    named = (("name", scope.name), ("version", scope.version))
    yield Part(
        "instrumentation", (*(pair for pair in named if pair[1]), *_pairs(scope.attributes))
    )


def _pairs(attributes: Iterable[KeyValue]) -> tuple[Pair, ...]:
    return tuple((attribute.key, _cut(text_form(attribute.value))) for attribute in attributes)


def _cut(text: str) -> str:
    more = len(text) - _VALUE_CHARS
    return text if more <= 0 else f"{text[:_VALUE_CHARS]}… ({more:,} more characters)"
