"""Everything a span has, as the templates show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from otel_vector.services.traces import Detail
from otel_vector.spans.ids import meaning_hex
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Meaning
from otel_vector.spans.values import text_form
from otel_vector_collector.page.links import Links

__all__ = ["SPAN_CHARS", "Part", "ShownMeaning", "SpanView", "meanings_of", "named", "span_view"]

SPAN_CHARS: Final = 200_000
"""What the details of one span may take of a page, in characters."""

_VALUE_CHARS: Final = 2000
_NAME_CHARS: Final = 200
_PAIR_CHARS: Final = 100  # of markup around an attribute
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
    whole: str

    @property
    def failed(self) -> bool:
        """Whether its status is error."""
        return self.status == "error"


@dataclass(slots=True)
class _Room:
    """What is left of the characters that a span may take."""

    chars: int

    def pairs(self, attributes: Sequence[KeyValue]) -> tuple[Pair, ...]:
        """Return the attributes that there is room for, and how many there are beyond."""
        shown: list[Pair] = []
        for attribute in attributes:
            if self.chars <= 0:
                shown.append(("…", f"{len(attributes) - len(shown):,} more"))
                break
            pair = named(attribute.key), _cut(text_form(attribute.value), _VALUE_CHARS)
            shown.append(pair)
            self.chars -= sum(map(len, pair)) + _PAIR_CHARS
        return tuple(shown)


def named(name: str) -> str:
    """Return a name that is short enough for a heading."""
    return _cut(name, _NAME_CHARS)


def span_view(detail: Detail, links: Links, chars: int = SPAN_CHARS) -> SpanView:
    """Return what a span has, as much of it as so many characters hold."""
    item = detail.item
    return SpanView(
        id=str(item.id),
        trace_id=item.trace_hex,
        span_id=item.span_hex,
        parent_id=item.parent_hex,
        name=named(item.name),
        service=named(item.service),
        kind=item.kind,
        status=item.status,
        status_message=_cut(item.message.status.message, _VALUE_CHARS),
        start_ns=item.start_ns,
        duration_ns=item.duration_ns,
        run=str(item.run),
        parts=tuple(p for p in _parts(item, links, _Room(chars)) if p.pairs or p.link),
        meanings=meanings_of(detail.meanings, links),
        likes=links.ask(span=str(item.id)),
        whole=links.own_trace(item.trace_hex, str(item.id)),
    )


def meanings_of(meanings: Iterable[Meaning], links: Links) -> tuple[ShownMeaning, ...]:
    """Return meanings with the links that list what points at them."""
    return tuple(
        ShownMeaning(str(m.facet), m.text, links.ask(meaning=meaning_hex(m.id))) for m in meanings
    )


def _parts(item: Item, links: Links, room: _Room) -> Iterable[Part]:
    span, scope = item.message, item.scope.scope
    yield Part("attributes", room.pairs(span.attributes))
    yield Part("resource", room.pairs(item.resource.resource.attributes))
    given = (("name", named(scope.name)), ("version", named(scope.version)))
    about = tuple(pair for pair in given if pair[1])
    yield Part("instrumentation", (*about, *room.pairs(scope.attributes)))
    for shown, part in enumerate(_happenings(item, links, room)):
        if room.chars <= 0:
            left = len(span.events) + len(span.links) - shown
            yield Part("events and links", (("…", f"{left:,} more"),))
            return
        yield part
        room.chars -= len(part.heading) + len(part.pairs) * _PAIR_CHARS + _PAIR_CHARS


def _happenings(item: Item, links: Links, room: _Room) -> Iterable[Part]:
    """Return the parts of events and links, each made when it is asked for."""
    for event in item.message.events:
        after_ms = (event.time_unix_nano - item.start_ns) / 1e6
        time: Pair = ("after", f"{after_ms:.3f} ms")
        yield Part(f"event {named(event.name)}", (time, *room.pairs(event.attributes)))
    for link in item.message.links:
        target = link.trace_id.hex()
        about = (("trace", target), ("span", link.span_id.hex()))
        yield Part("link", (*about, *room.pairs(link.attributes)), links.trace(target))


def _cut(text: str, chars: int) -> str:
    more = len(text) - chars
    return text if more <= 0 else f"{text[:chars]}… ({more:,} more characters)"
