"""Traffic that remembers what was acknowledged, and sends some of it again in other batches."""

from __future__ import annotations

import random

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_SERVICE = "/opentelemetry.proto.collector.{0}.v1.{1}Service/Export"
_DAY_NS = 86_400 * 10**9
_T0_NS = 1_690_000_000 * 10**9
_FAULTS = ("card declined", "stock exhausted", "deadline exceeded")


class Traffic:
    """Makes spans and logs, sends them, and keeps what was acknowledged."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.acked: dict[tuple[bytes, bytes], bytes] = {}
        self.unsure: dict[tuple[bytes, bytes], bytes] = {}
        self.logs: list[bytes] = []

    def run(self, address: str, batches: int) -> None:
        """Send batches of spans, new and old mixed, with logs before and after them."""
        with grpc.insecure_channel(address) as channel:
            for _ in range(batches):
                spans = [self._span() for _ in range(self.rng.randrange(1, 120))]
                early = [s for s in spans if self.rng.random() < 0.05]
                self._send_logs(channel, early)
                self._send(channel, spans + self._some_again())
                self._send_logs(channel, [s for s in spans if self.rng.random() < 0.05])

    def resend_unsure(self, address: str) -> None:
        """Send again what was never acknowledged, as an exporter would."""
        with grpc.insecure_channel(address) as channel:
            spans = [Span.FromString(body) for body in self.unsure.values()]
            for first in range(0, len(spans), 100):
                self._send(channel, spans[first : first + 100])

    def _some_again(self) -> list[Span]:
        known = list(self.acked.values())[-3_000:] + list(self.unsure.values())
        count = min(len(known), self.rng.randrange(40))
        return [Span.FromString(body) for body in self.rng.sample(known, count)]

    def _span(self) -> Span:
        rng = self.rng
        start = _T0_NS + rng.choice((0, 0, 0, 1, 40)) * _DAY_NS + rng.randrange(10**12)
        span = Span(
            trace_id=rng.randbytes(16),
            span_id=rng.randbytes(8),
            name=f"{rng.choice(('get', 'put', 'charge'))} {rng.choice(('cart', 'card', 'order'))}",
            kind=rng.choice((1, 2, 3)),
            start_time_unix_nano=start,
            end_time_unix_nano=start + rng.randrange(10**9),
        )
        if rng.random() < 0.1:
            span.status.code, span.status.message = 2, rng.choice(_FAULTS)
        elif rng.random() < 0.02:  # a text that was never there, so that there is one to embed
            span.status.code, span.status.message = 2, f"refused by {self._word()}"
        if rng.random() < 0.05:
            span.trace_state = "ov=test"
        span.attributes.add(key="order").value.string_value = f"order-{rng.getrandbits(32):x}"
        return span

    def _word(self) -> str:
        return "".join(self.rng.choices("abcdefghijklmnopqrstuvwxyz", k=8))

    def _send(self, channel: grpc.Channel, spans: list[Span]) -> None:
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = "shop"
        resource.scope_spans.add().spans.extend(spans)
        bodies = {(s.trace_id, s.span_id): s.SerializeToString() for s in spans}
        call = channel.unary_unary(
            _SERVICE.format("trace", "Trace"),
            request_serializer=ExportTraceServiceRequest.SerializeToString,
            response_deserializer=ExportTraceServiceResponse.FromString,
        )
        new = {ids: body for ids, body in bodies.items() if ids not in self.acked}
        self.unsure |= new
        call(request, timeout=60)
        self.acked |= new
        for ids in new:
            self.unsure.pop(ids, None)

    def _send_logs(self, channel: grpc.Channel, spans: list[Span]) -> None:
        if not spans:
            return
        request = ExportLogsServiceRequest()
        resource = request.resource_logs.add()
        resource.resource.attributes.add(key="service.name").value.string_value = "shop"
        records = resource.scope_logs.add().log_records
        for span in spans:
            record = records.add(
                time_unix_nano=span.start_time_unix_nano,
                trace_id=span.trace_id,
                span_id=span.span_id,
                severity_number=17,
            )
            record.body.string_value = "request failed"
            for key, value in (("exception.type", "CardError"),
                               ("exception.message", self.rng.choice(_FAULTS))):  # fmt: skip
                record.attributes.add(key=key).value.string_value = value
        call = channel.unary_unary(
            _SERVICE.format("logs", "Logs"),
            request_serializer=ExportLogsServiceRequest.SerializeToString,
            response_deserializer=ExportLogsServiceResponse.FromString,
        )
        call(request, timeout=60)
        self.logs += [record.SerializeToString() for record in records]
