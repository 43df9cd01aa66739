"""OTLP over gRPC: the three Export methods, their bytes untouched by gRPC itself.

Messages are not deserialised by gRPC, and not decompressed either: gRPC expands a message to its
full size before it looks at any limit. The bytes tell how they were compressed, since no
protobuf message starts like gzip (field 3 of wire type 7) and no OTLP request like zlib.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from otel_vector.decode.messages import PROTOBUF
from otel_vector.errors import ConfigError, OtelVectorError
from otel_vector_collector.receive.accept import LOGS, METRICS, TRACES, Acceptor, Kind
from otel_vector_collector.receive.status import grpc_refusal
from otel_vector_collector.receive.tenant import tenant_of

__all__ = ["GrpcDoor"]

_SERVICES = {
    "opentelemetry.proto.collector.trace.v1.TraceService": TRACES,
    "opentelemetry.proto.collector.logs.v1.LogsService": LOGS,
    "opentelemetry.proto.collector.metrics.v1.MetricsService": METRICS,
}
_GZIP_MAGIC = b"\x1f\x8b"
_ZLIB_MAGIC = b"\x78"
_ZLIB_CHECK = 31

_Export = Callable[[bytes, Any], Awaitable[bytes]]


class GrpcDoor:
    """A gRPC server on one address."""

    def __init__(self, acceptor: Acceptor) -> None:
        # Never `maximum_concurrent_rpcs`: what it refuses is told to go away for good.
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", acceptor.limit_bytes),
                ("grpc.per_message_decompression", 0),
                ("grpc.so_reuseport", 1),
                ("grpc.max_concurrent_streams", 128),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
            ]
        )
        self._server.add_generic_rpc_handlers(
            tuple(_handler(acceptor, service, kind) for service, kind in _SERVICES.items())
        )

    async def open(self, host: str, port: int) -> int:
        """Listen and return the port, which is a free one if `port` is 0.

        Raises:
            ConfigError: the address cannot be bound.
        """
        try:
            bound: int = self._server.add_insecure_port(f"{_bracketed(host)}:{port}")
        except RuntimeError as error:
            raise ConfigError(
                f"{host}:{port} (serve.otlp_grpc) cannot be bound: {error}"
            ) from error
        await self._server.start()
        return bound

    async def close(self, grace_s: float) -> None:
        """Refuse new calls, and let those under way end within `grace_s` seconds."""
        await self._server.stop(grace_s)


def _handler(acceptor: Acceptor, service: str, kind: Kind) -> Any:
    export = grpc.unary_unary_rpc_method_handler(_export(acceptor, kind))
    return grpc.method_handlers_generic_handler(service, {"Export": export})


def _export(acceptor: Acceptor, kind: Kind) -> _Export:
    async def export(body: bytes, context: Any) -> bytes:
        try:
            tenant = tenant_of(dict(context.invocation_metadata()))
            return await acceptor.accept(kind, tenant, body, PROTOBUF, _encoding(body))
        except OtelVectorError as error:
            refusal = grpc_refusal(error)
            await context.abort(refusal.code, refusal.message, refusal.trailers)
            raise

    return export


def _encoding(body: bytes) -> str:
    if body[:2] == _GZIP_MAGIC:
        return "gzip"
    if body[:1] == _ZLIB_MAGIC and int.from_bytes(body[:2], "big") % _ZLIB_CHECK == 0:
        return "deflate"
    return "identity"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
