"""A trace as messages of OTLP's TracesData that a client takes: none is empty or too large.

gRPC clients refuse messages over 4 MiB unless told otherwise. Spans keep the order they have;
within a message those with the same resource and scope share them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_vector.services.finding import Match
from otel_vector.spans.batch import Batch, Group, assemble
from otel_vector.spans.ids import SpanId
from otel_vector.spans.items import Headers, Item
from otel_vector.spans.meanings import Signal

__all__ = ["MOST_BYTES", "SCORE", "TEXT", "chunks", "noted"]

MOST_BYTES: Final = 1 << 20
"""Bytes of one message, unless a single span is larger."""

SCORE: Final = "meaning.score"
TEXT: Final = "meaning.text"
_NOTHING: Final[Mapping[SpanId, Match]] = {}


def chunks(
    spans: Iterable[Item],
    matched: Mapping[SpanId, Match] = _NOTHING,
    most_bytes: int = MOST_BYTES,
) -> Iterator[bytes]:
    """Yield a trace's spans as serialised TracesData.

    Args:
        spans: the spans of one trace.
        matched: scores and texts that are added to spans as attributes; nothing is stored.
        most_bytes: size of a message.
    """
    kept = list(spans)  # headers tell messages apart by identity: they have to stay
    headers = Headers.for_signal(Signal.SPANS)
    batch, places, size = Batch(Signal.SPANS), dict[tuple[bytes, bytes], int](), 0
    for item in kept:
        header = headers.of(item)
        body = item.message.SerializeToString() + _notes(matched.get(item.id))
        added = len(body) + (0 if header in places else sum(map(len, header)))
        if batch.bodies and size + added > most_bytes:
            yield _assembled(batch)
            batch, places, size = Batch(Signal.SPANS), {}, 0
        size += added
        place = places.setdefault(header, len(places))
        if place == len(batch.groups):
            batch.groups.append(Group(*header))
        batch.group.append(place)
        batch.bodies.append(body)
    if batch.bodies:
        yield _assembled(batch)


def noted(item: Item, match: Match | None) -> Span:
    """Return a span with its score and text as attributes; itself if it has none."""
    added = _notes(match)
    return Span.FromString(item.message.SerializeToString() + added) if added else item.message


def _assembled(batch: Batch) -> bytes:
    rows = sorted(range(len(batch.group)), key=batch.group.__getitem__)
    return assemble(batch, rows)


def _notes(match: Match | None) -> bytes:
    """Return what is appended to a serialised span: repeated fields of both parts are joined."""
    if match is None or match.score is None:
        return b""
    attributes = [
        KeyValue(key=SCORE, value=AnyValue(double_value=match.score)),
        KeyValue(key=TEXT, value=AnyValue(string_value=match.text)),
    ]
    return bytes(Span(attributes=attributes).SerializeToString())
