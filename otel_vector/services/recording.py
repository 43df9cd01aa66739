"""A search as a span of its own: what the product does with itself, run kind `self`.

The span goes the way of every span, through the inbox and redaction: whoever wires the
services hands in a :class:`Recorder` that does so.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final, Protocol

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import RunKind

__all__ = ["Recorder", "SearchRecord", "search_span"]

_SERVICE: Final = "otel-vector"
_SCOPE: Final = "otel_vector.services.search"


class Recorder(Protocol):
    """Puts a recorded span on its way into the store."""

    def record(self, tenant: Tenant, spans: TracesData) -> None:
        """Take one recorded span; must return quickly and never fail the search."""
        ...


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """What is recorded of one search.

    Attributes:
        search_id: as in the answer.
        start_ns, end_ns: nanoseconds since the epoch.
        text: the words as asked.
        results: groups or items on the page.
        pending: meanings without a vector at that time.
        meanings: ids of the meanings found, in hex, best first.
    """

    search_id: str
    start_ns: int
    end_ns: int
    text: str
    results: int
    pending: int
    meanings: tuple[str, ...]


def search_span(record: SearchRecord) -> TracesData:
    """Return one search as an OTLP message of one span, a root of its own trace."""
    data = TracesData()
    resource = data.resource_spans.add()
    resource.resource.attributes.append(_text("service.name", _SERVICE))
    scope = resource.scope_spans.add()
    scope.scope.name = _SCOPE
    scope.spans.append(_span(record))
    return data


def _span(record: SearchRecord) -> Span:
    return Span(
        trace_id=secrets.token_bytes(16),
        span_id=secrets.token_bytes(8),
        name="search",
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=record.start_ns,
        end_time_unix_nano=max(record.start_ns, record.end_ns),
        attributes=[
            _text("otel_vector.run.kind", RunKind.SELF),
            _text("otel_vector.search.id", record.search_id),
            _text("otel_vector.search.text", record.text),
            _number("otel_vector.search.results", record.results),
            _number("otel_vector.search.pending", record.pending),
            _text("otel_vector.search.meanings", " ".join(record.meanings)),
        ],
    )


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _number(key: str, value: int) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(int_value=value))
