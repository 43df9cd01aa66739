"""What the product records of itself goes the way of every span: into the inbox."""

from __future__ import annotations

import time
from concurrent.futures import Future

from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.inbox.contract import Envelope, Intake
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.telemetry import Telemetry

__all__ = ["SelfRecorder"]


class SelfRecorder:
    """Submits recorded spans without waiting for them; what cannot be kept is counted."""

    def __init__(self, intake: Intake, telemetry: Telemetry) -> None:
        self._intake = intake
        self._lost = telemetry.counter(
            "otel_vector_self_spans_lost_total", "recorded spans that the inbox did not take"
        )

    def record(self, tenant: Tenant, spans: TracesData) -> None:
        """Take recorded spans; returns at once and raises nothing."""
        body = spans.SerializeToString()
        envelope = Envelope(
            tenant, Signal.SPANS, "application/x-protobuf", "identity", time.time_ns(), body
        )
        self._intake.submit(envelope).add_done_callback(self._count_loss)

    def _count_loss(self, future: Future[int]) -> None:
        if future.cancelled() or future.exception() is not None:
            self._lost.add()
