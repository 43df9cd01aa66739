"""OTLP over gRPC, with bytes as they lie in the spool."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from otel_vector.exporter.answers import in_one_line, taken
from otel_vector.exporter.outcomes import Away, Busy, Denied, Faulty, Outcome, Refused
from otel_vector.exporter.target import Target
from otel_vector.inbox.forking import GATE
from otel_vector.spans.meanings import Signal

__all__ = ["GrpcWay"]

_METHODS: Final = {
    Signal.SPANS: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    Signal.LOGS: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_MAX_BYTES: Final = 64 << 20
_ANSWER_BYTES: Final = 1 << 20
_OPTIONS: Final = (
    ("grpc.max_send_message_length", _MAX_BYTES),
    ("grpc.max_receive_message_length", _ANSWER_BYTES),
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
_CODE = grpc.StatusCode
_DENIED: Final = frozenset(
    {_CODE.UNAUTHENTICATED, _CODE.PERMISSION_DENIED, _CODE.UNIMPLEMENTED, _CODE.NOT_FOUND}
)
_REFUSED: Final = frozenset({_CODE.INVALID_ARGUMENT, _CODE.RESOURCE_EXHAUSTED})
_AWAY: Final = frozenset(
    {_CODE.UNAVAILABLE, _CODE.DEADLINE_EXCEEDED, _CODE.CANCELLED, _CODE.ABORTED}
)

_kept: Final[dict[int, Any]] = {}


class GrpcWay:
    """A channel to one collector.

    gRPC can be used after a fork, by parent and child, if no thread is within it meanwhile. So a
    request that keeps a fork waiting is cut off, and sent again over a channel of its own. So is
    one that found nobody: a channel that failed would not even look whether somebody is there.

    The first one in a process keeps gRPC itself from ending, see `_keep`.
    """

    def __init__(self, target: Target) -> None:
        _keep()
        self._target = target
        self._channel: Any = None
        self._is_closed = False

    def send(self, signal: Signal, body: bytes) -> Outcome:
        """See `Way.send`."""
        while not self._is_closed:
            with GATE:
                channel = self._channel = self._channel or _channel(self._target)
                call = channel.unary_unary(_METHODS[signal])
            try:
                with GATE.hurried(self._cut_off):
                    answer = call(
                        body, timeout=self._target.timeout_s, metadata=self._target.headers
                    )
            except grpc.RpcError as error:
                if self._channel is channel:
                    return self._failed(error)
            except ValueError as error:
                if self._channel is channel:
                    return Away(f"the channel is closed: {error}")
            else:
                return taken(signal, answer)
        return Away("the channel is closed")

    def close(self) -> None:
        """See `Way.close`."""
        self._is_closed = True
        channel = self._channel
        if channel is not None:
            with GATE:
                channel.close()

    def _failed(self, error: grpc.RpcError) -> Outcome:
        outcome = _outcome(error)
        if isinstance(outcome, Away):
            with GATE:
                self._cut_off()
        return outcome

    def _cut_off(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()


def _keep() -> None:
    """Keep a channel that is never used and never closed, in each process.

    With its last channel gRPC ends as a whole, in a thread of its own and some time after. A fork
    meanwhile starts a thread of gRPC's anew that nobody knows of any more, and the next fork waits
    for it for ever. A child has one of its own, since gRPC may close there what it inherited.
    """
    if os.getpid() not in _kept:
        _kept[os.getpid()] = grpc.insecure_channel("127.0.0.1:1", _OPTIONS)


def _channel(target: Target) -> Any:
    compression = grpc.Compression.Gzip if target.gzip else grpc.Compression.NoCompression
    if not target.is_tls:
        return grpc.insecure_channel(target.address, _OPTIONS, compression)
    credentials = grpc.ssl_channel_credentials(
        _content(target.ca), _content(target.key), _content(target.cert)
    )
    return grpc.secure_channel(target.address, credentials, _OPTIONS, compression)


def _content(path: str) -> bytes | None:
    return Path(path).read_bytes() if path else None


def _outcome(error: Any) -> Outcome:
    code, detail = error.code(), in_one_line(f"{error.code().name}: {error.details()}")
    if code in _DENIED:
        return Denied(detail)
    delay_s = _delay_s(error.trailing_metadata() or ())
    if delay_s is not None:
        return Busy(delay_s, detail)
    if code in _REFUSED:
        return Refused(detail)
    return Away(detail) if code in _AWAY else Faulty(detail)


def _delay_s(metadata: Any) -> float | None:
    """Return for how long the collector wants to be left alone, None if it does not say."""
    for name, value in metadata:
        try:
            if name == "grpc-status-details-bin":
                details = Status.FromString(value).details
                found = next((d for d in details if d.Is(RetryInfo.DESCRIPTOR)), None)
                if found is not None:
                    return _seconds(RetryInfo.FromString(found.value))
            elif name == "google.rpc.retryinfo-bin":
                return _seconds(RetryInfo.FromString(value))
        except DecodeError:
            continue
    return None


def _seconds(info: RetryInfo) -> float:
    delay = info.retry_delay
    return max(0.0, float(delay.seconds + delay.nanos / 1e9))
