"""Items of the SDK as redacted OTLP requests; one that has no encoding falls out alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from otel_vector.exporter.announcements import log_records
from otel_vector.exporter.redacted import flag
from otel_vector.inbox.forking import GATE
from otel_vector.redact.redactor import Redactor
from otel_vector.spans.functions import FunctionRecord
from otel_vector.spans.meanings import Signal

__all__ = ["Encoder", "Request"]

_ASKED_BYTES: Final = 3 << 20
"""Larger requests are cut in half: stock receivers take 4 MiB at most."""
_MOST_BYTES: Final = 60 << 20
"""What a single item may have; ours take 64 MiB."""
_ENCODERS: Final[dict[Signal, Callable[[Sequence[Any]], Any]]] = {
    Signal.SPANS: encode_spans,
    Signal.LOGS: encode_logs,
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request: its bytes, how many items are in it."""

    signal: Signal
    body: bytes
    items: int


class Encoder:
    """Makes requests. Not for use by two threads at once.

    Args:
        redactor: takes secrets out.
        lost: counts items: reason, signal, how many.
    """

    def __init__(self, redactor: Redactor, lost: Callable[[str, Signal, int], object]) -> None:
        self._redactor = redactor
        self._lost = lost

    def requests(self, signal: Signal, items: Sequence[Any]) -> Iterator[Request]:
        """Yield the requests of some items, in their order."""
        try:
            message = _ENCODERS[signal](items)
        except Exception:  # noqa: BLE001 -- whatever one item holds, the others are kept
            yield from self._singly(signal, items)
            return
        yield from self._cut(signal, items, self._body(signal, message))

    def functions(self, records: Sequence[FunctionRecord], resource: Any) -> Iterator[Request]:
        """Yield the requests that announce functions of an SDK resource, a part at a time."""
        encoded = Resource(attributes=_attributes(resource.attributes))
        for start in range(0, len(records), 100):
            part = records[start : start + 100]
            body = self._body(Signal.LOGS, log_records(part, encoded))
            yield Request(Signal.LOGS, body, len(part))

    def _singly(self, signal: Signal, items: Sequence[Any]) -> Iterator[Request]:
        if len(items) == 1:
            self._lost("encoding", signal, 1)
            return
        half = len(items) // 2
        yield from self.requests(signal, items[:half])
        yield from self.requests(signal, items[half:])

    def _cut(self, signal: Signal, items: Sequence[Any], body: bytes) -> Iterator[Request]:
        if len(body) <= _ASKED_BYTES or (len(items) == 1 and len(body) <= _MOST_BYTES):
            yield Request(signal, body, len(items))
        elif len(items) == 1:
            self._lost("too_large", signal, 1)
        else:
            yield from self._singly(signal, items)

    def _body(self, signal: Signal, message: Any) -> bytes:
        body: bytes = message.SerializeToString()
        redact = self._redactor.traces if signal is Signal.SPANS else self._redactor.logs
        with GATE:
            count = redact(message, body)
        if not count:
            return body
        if signal is Signal.SPANS:
            flag(message)
        return bytes(message.SerializeToString())


def _attributes(attributes: Any) -> Iterator[KeyValue]:
    """Yield a resource's attributes as OTLP, those that are no text as their text."""
    for name, value in attributes.items():
        yield KeyValue(key=name, value=AnyValue(string_value=str(value)))
