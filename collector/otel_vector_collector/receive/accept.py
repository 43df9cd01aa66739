"""One request: decompress, parse once, check ids, put durably, and say what was refused.

Both doors end here; what differs between them is how bytes come in and answers go out. Work of
more than a few milliseconds runs in a thread, so that the loop goes on answering others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_vector.decode.compression import decompress
from otel_vector.decode.messages import JSON, PROTOBUF, logs_from, metrics_from, traces_from
from otel_vector.decode.validate import (
    Rejections,
    count_data_points,
    validate_logs,
    validate_traces,
)
from otel_vector.decode.wire import check_items, check_json_objects
from otel_vector.errors import OtelVectorError, PermanentError
from otel_vector.inbox.contract import Envelope, Intake
from otel_vector.settings.config import LimitsConfig
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.spans.otlp_json import json_text
from otel_vector_collector.receive.limits import DoorLimits, Sender

__all__ = ["LOGS", "METRICS", "TRACES", "Acceptor", "Kind"]

_LOG = logging.getLogger(__name__)
_INLINE_BYTES = 1 << 20
"""Larger bodies are parsed in a thread; this many take some 3 ms."""
_INLINE_SLOW_BYTES = 128 << 10
"""The same for JSON, read in Python, and for what is compressed."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One of OTLP's services.

    Attributes:
        name: as in counters: `spans`, `logs`, `data_points`.
        signal: what is stored; None if nothing is.
        parse: bytes and content type to a message.
        validate: drops bad items from a message.
        response: the type of the answer.
        rejected: the field of `partial_success` that counts what was dropped.
    """

    name: str
    signal: Signal | None
    parse: Callable[[bytes, str], Any]
    validate: Callable[[Any], Rejections]
    response: Callable[[], Any]
    rejected: str


TRACES = Kind(
    "spans",
    Signal.SPANS,
    traces_from,
    validate_traces,
    ExportTraceServiceResponse,
    "rejected_spans",
)
LOGS = Kind(
    "logs",
    Signal.LOGS,
    logs_from,
    validate_logs,
    ExportLogsServiceResponse,
    "rejected_log_records",
)
METRICS = Kind(
    "data_points",
    None,
    metrics_from,
    count_data_points,
    ExportMetricsServiceResponse,
    "rejected_data_points",
)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A body ready to be put, and what was dropped from it."""

    body: bytes
    rejections: Rejections


class Acceptor:
    """Takes requests for an inbox."""

    def __init__(self, inbox: Intake, limit_bytes: int, limits: DoorLimits | None = None) -> None:
        self._inbox = inbox
        self.limits = limits or DoorLimits(LimitsConfig(), inbox)
        self.limit_bytes = limit_bytes

    async def accept(
        self, kind: Kind, sender: Sender, body: bytes, content_type: str, encoding: str
    ) -> bytes:
        """Store a request and return the bytes of the OTLP answer, in the same encoding.

        Raises:
            InvalidInputError: the request as a whole cannot be taken.
            PermanentError: a fault of ours.
            RetryableError: there is no room now.
        """
        try:
            checked = await self._checked(kind, body, content_type, encoding)
            if kind.signal is not None and checked.rejections.accepted:
                await self._put(kind.signal, sender.tenant, checked.body)
        except OtelVectorError as error:
            self.count_refusal(error)
            raise
        except Exception as error:
            _LOG.exception("a request could not be taken by a fault of the collector")
            self._inbox.count("refused.fault", 1)
            raise PermanentError("a fault of the collector; its log says more") from error
        self.limits.charge(sender, checked.rejections.accepted, len(checked.body))
        self._count(kind, checked)
        return _response(kind, checked.rejections, content_type)

    def count_refusal(self, error: OtelVectorError) -> None:
        """Count a request that was refused, by the kind of error."""
        self._inbox.count(f"refused.{_slug(error)}", 1)

    async def _checked(
        self, kind: Kind, body: bytes, content_type: str, encoding: str
    ) -> _Checked:
        arguments = (kind, body, content_type, encoding, self.limit_bytes)
        slow = content_type == JSON or encoding not in {"", "identity"}
        if len(body) > (_INLINE_SLOW_BYTES if slow else _INLINE_BYTES):
            return await asyncio.to_thread(_check, *arguments)
        return _check(*arguments)

    async def _put(self, signal: Signal, tenant: Tenant, body: bytes) -> None:
        envelope = Envelope(tenant, signal, PROTOBUF, "identity", time.time_ns(), body)
        await asyncio.wrap_future(self._inbox.submit(envelope))

    def _count(self, kind: Kind, checked: _Checked) -> None:
        self._inbox.count("requests", 1)
        self._inbox.count("bytes", len(checked.body))
        self._inbox.count(f"accepted.{kind.name}", checked.rejections.accepted)
        for reason, n in checked.rejections.reasons.items():
            self._inbox.count(f"rejected.{reason}", n)


def _check(
    kind: Kind, body: bytes, content_type: str, encoding: str, limit_bytes: int
) -> _Checked:
    """Parse and validate. The bytes stay the sender's unless they say something else now."""
    plain = decompress(body, encoding, limit_bytes)
    (check_json_objects if content_type == JSON else check_items)(plain)
    message = kind.parse(plain, content_type)
    rejections = kind.validate(message)
    if content_type == JSON or rejections.reasons:
        plain = message.SerializeToString()
    return _Checked(plain, rejections)


def _response(kind: Kind, rejections: Rejections, content_type: str) -> bytes:
    if not rejections.reasons:
        return b"{}" if content_type == JSON else b""
    response = kind.response()
    setattr(response.partial_success, kind.rejected, rejections.count)
    response.partial_success.error_message = rejections.message()
    return json_text(response) if content_type == JSON else response.SerializeToString()


def _slug(error: OtelVectorError) -> str:
    """Return `inbox_full` for `InboxFullError`."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
