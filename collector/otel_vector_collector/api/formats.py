"""What an answer is written as: our JSON, OTLP JSON, or OTLP protobuf."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import orjson
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from starlette.responses import Response

from otel_vector.spans.items import Item, logs_data, traces_data
from otel_vector.spans.meanings import Signal
from otel_vector.spans.otlp_json import logs_to_json, traces_to_json
from otel_vector_collector.api.problems import not_acceptable

__all__ = [
    "JSON",
    "LINES",
    "OTLP_JSON",
    "PROTOBUF",
    "chosen",
    "delimited",
    "json_response",
    "lines",
    "otlp_response",
]

JSON: Final = "application/json"
OTLP_JSON: Final = "application/otlp+json"
PROTOBUF: Final = "application/x-protobuf"
LINES: Final = "application/x-ndjson"

Otlp = TracesData | LogsData


def json_response(value: Any) -> Response:
    """Return plain values as a JSON answer."""
    return Response(orjson.dumps(value), media_type=JSON)


def chosen(accept: str, offers: Sequence[str]) -> str:
    """Return the offer that a request's Accept header likes best; the first one for any.

    Raises:
        HTTPException: it accepts none of them.
    """
    if not accept.strip():
        return offers[0]
    ranges = dict(_ranges(accept))
    best = max(offers, key=lambda offer: _quality(ranges, offer))
    if not _quality(ranges, best):
        raise not_acceptable(offers)
    return best


def otlp_response(media: str, items: Iterable[Item]) -> Response:
    """Return items of one signal as OTLP, in the JSON or the protobuf form."""
    items = list(items)
    data = (traces_data if items[0].signal is Signal.SPANS else logs_data)(items)
    content = _line(data) if media == OTLP_JSON else data.SerializeToString()
    return Response(content, media_type=media)


def lines(messages: Iterator[Otlp]) -> Iterator[bytes]:
    """Yield messages as OTLP JSON, one to a line, as the Collector's file exporter does."""
    for message in messages:
        yield _line(message) + b"\n"


def delimited(messages: Iterator[Otlp]) -> Iterator[bytes]:
    """Yield messages as protobuf after their length, four bytes, big-endian.

    The Collector's file exporter writes the same (`format: proto`).
    """
    for message in messages:
        body = message.SerializeToString()
        yield len(body).to_bytes(4, "big") + body


def _line(data: Otlp) -> bytes:
    return traces_to_json(data) if isinstance(data, TracesData) else logs_to_json(data)


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Yield (media range, quality); parameters other than q are passed over."""
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            yield media, max(0.0, min(1.0, float(quality)))
        except ValueError:
            yield media, 0.0


def _quality(ranges: dict[str, float], offer: str) -> float:
    """Return the quality of the most specific range that covers an offer."""
    family = offer.partition("/")[0] + "/*"
    return next((ranges[r] for r in (offer, family, "*/*") if r in ranges), 0.0)
