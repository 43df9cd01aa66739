"""OTLP over gRPC: the three Export methods, their bytes untouched by gRPC itself.

Messages are not deserialised by gRPC, and not decompressed either: gRPC expands a message to its
full size before it looks at any limit. The bytes tell how they were compressed, since no
protobuf message starts like gzip (field 3 of wire type 7) and no OTLP request like zlib.

A call is let in or refused by its metadata alone: of what a stranger sends, no message is read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from otel_vector.decode.messages import PROTOBUF
from otel_vector.errors import ConfigError, OtelVectorError
from otel_vector.keys.contract import Role
from otel_vector_collector.receive.accept import LOGS, METRICS, TRACES, Acceptor, Kind
from otel_vector_collector.receive.gate import Gate, Headers, require
from otel_vector_collector.receive.limits import Holding, Sender
from otel_vector_collector.receive.status import grpc_refusal
from otel_vector_collector.receive.tenant import tenant_of
from otel_vector_collector.receive.tls import Certificates

__all__ = [
    "GrpcDoor",
    "Reception",
    "abort",
    "bracketed",
    "encoding_of",
    "headers_of",
    "refusing",
]

_SERVICES = {
    "opentelemetry.proto.collector.trace.v1.TraceService": TRACES,
    "opentelemetry.proto.collector.logs.v1.LogsService": LOGS,
    "opentelemetry.proto.collector.metrics.v1.MetricsService": METRICS,
}
_GZIP_MAGIC = b"\x1f\x8b"
_ZLIB_MAGIC = b"\x78"
_ZLIB_CHECK = 31

_Handler = Callable[[Any, Any], Awaitable[bytes]]


class GrpcDoor:
    """A gRPC server on one address."""

    def __init__(self, acceptor: Acceptor, gate: Gate, certificates: Certificates | None) -> None:
        self._certificates = certificates
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
        self._server.add_generic_rpc_handlers((Reception(acceptor, gate),))

    async def open(self, host: str, port: int) -> int:
        """Listen and return the port, which is a free one if `port` is 0.

        Raises:
            ConfigError: the address cannot be bound.
        """
        place = f"{bracketed(host)}:{port}"
        try:
            bound = self._bind(place)
        except RuntimeError as error:
            raise ConfigError(
                f"{host}:{port} (serve.otlp_grpc) cannot be bound: {error}"
            ) from error
        await self._server.start()
        return bound

    def _bind(self, place: str) -> int:
        if self._certificates is None:
            return int(self._server.add_insecure_port(place))
        return int(self._server.add_secure_port(place, self._certificates.grpc_credentials()))

    async def close(self, grace_s: float) -> None:
        """Refuse new calls, and let those under way end within `grace_s` seconds."""
        await self._server.stop(grace_s)


class Reception(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Gives each call its handler: one that stores for the call's tenant, or one that refuses."""

    def __init__(
        self, acceptor: Acceptor, gate: Gate, read: Callable[[Any], Headers] | None = None
    ) -> None:
        """Prepare.

        Args:
            acceptor: takes what is sent.
            gate: lets calls in.
            read: returns the headers of a call's metadata; as they are by default.
        """
        self._acceptor = acceptor
        self._gate = gate
        self._read = read or headers_of

    def service(self, handler_call_details: Any) -> Any:
        """Return the handler of a call, None if there is no such method."""
        service, _, method = handler_call_details.method.lstrip("/").partition("/")
        kind = _SERVICES.get(service) if method == "Export" else None
        if kind is None:
            return None
        try:
            sender = self._admitted(handler_call_details.invocation_metadata)
        except OtelVectorError as error:
            self._acceptor.count_refusal(error)
            refuse = refusing(error, self._acceptor.limits.holding)
            return grpc.stream_unary_rpc_method_handler(refuse)
        return grpc.unary_unary_rpc_method_handler(_export(self._acceptor, kind, sender))

    def _admitted(self, metadata: Any) -> Sender:
        headers = self._read(metadata)
        key = self._gate.key_of(headers)
        require(key, Role.INGEST)
        sender = Sender(tenant_of(headers, key), key)
        self._acceptor.limits.admit(sender)
        return sender


def headers_of(metadata: Any) -> list[tuple[str, str]]:
    """Return the texts among a call's metadata."""
    return [(name, value) for name, value in metadata or () if isinstance(value, str)]


def _export(acceptor: Acceptor, kind: Kind, sender: Sender) -> _Handler:
    async def export(body: bytes, context: Any) -> bytes:
        try:
            return await acceptor.accept(kind, sender, body, PROTOBUF, encoding_of(body))
        except OtelVectorError as error:
            await abort(context, error)
            raise

    return export


def refusing(error: OtelVectorError, holding: Holding) -> _Handler:
    """Return a handler that refuses without reading; as if for a stream, which need not be."""

    async def refuse(_messages: Any, context: Any) -> bytes:
        told = await holding.held(error, context.peer().rpartition(":")[0])
        await abort(context, told)
        raise told

    return refuse


async def abort(context: Any, error: OtelVectorError) -> None:
    """End a call with the status of an error."""
    refusal = grpc_refusal(error)
    await context.abort(refusal.code, refusal.message, refusal.trailers)


def encoding_of(body: bytes) -> str:
    """Return how a message was compressed, by its first bytes."""
    if body[:2] == _GZIP_MAGIC:
        return "gzip"
    if body[:1] == _ZLIB_MAGIC and int.from_bytes(body[:2], "big") % _ZLIB_CHECK == 0:
        return "deflate"
    return "identity"


def bracketed(host: str) -> str:
    """Return a host as it stands before a port."""
    return f"[{host}]" if ":" in host else host
