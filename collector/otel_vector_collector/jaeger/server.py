"""The gRPC server of Jaeger's remote storage, in a thread of the engine's process.

It reads where the engine is, without another process in between, and writes into the inbox
through the same acceptor as the doors do, so that what it acknowledges is as durable.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import grpc

from otel_vector.errors import ConfigError, OtelVectorError
from otel_vector.inbox.contract import Intake
from otel_vector.keys.limits import QuestionRates
from otel_vector.services.container import Services
from otel_vector.settings.config import Settings
from otel_vector.store.contract import Store
from otel_vector.telemetry import Telemetry
from otel_vector_collector.jaeger.door import Asking, forwarded
from otel_vector_collector.jaeger.health import health_methods
from otel_vector_collector.jaeger.reader import Reader
from otel_vector_collector.receive.accept import Acceptor
from otel_vector_collector.receive.addresses import Address, require_free
from otel_vector_collector.receive.gate import Gate
from otel_vector_collector.receive.grpc_door import Reception, bracketed
from otel_vector_collector.receive.limits import DoorLimits
from otel_vector_collector.receive.tls import Certificates

__all__ = ["Behind", "JaegerServer"]

_THREADS: Final = 8
_START_S: Final = 30.0
_GRACE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the server: an open engine."""

    settings: Settings
    services: Services
    store: Store
    inbox: Intake
    telemetry: Telemetry


class JaegerServer:
    """Answers Jaeger until stopped.

    Args:
        behind: what is served.
        gate: lets calls in; it has been told of the address.
        limits: what writers are held to.
        certificates: for TLS, none without.
    """

    def __init__(
        self, behind: Behind, gate: Gate, limits: DoorLimits, certificates: Certificates | None
    ) -> None:
        self._behind = behind
        self._gate = gate
        self._limits = limits
        self._certificates = certificates
        self._threads = ThreadPoolExecutor(_THREADS, "jaeger")
        self._opened: Future[int] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._thread: threading.Thread | None = None

    def start(self, address: Address) -> str:
        """Listen; return where, as `host:port`.

        Raises:
            ConfigError: the address cannot be bound.
        OtelVectorError: it did not start in time.
        """
        require_free(address)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(address)), name="jaeger", daemon=True
        )
        self._thread.start()
        try:
            return str(address.with_port(self._opened.result(_START_S)))
        except TimeoutError as error:
            raise OtelVectorError(
                f"Jaeger's remote storage did not start in {_START_S:.0f} s; the log says why"
            ) from error

    def stop(self) -> None:
        """Take no more calls, and let those under way end; again it does nothing."""
        if self._thread is None or self._loop is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(2 * _GRACE_S)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._loop = None

    async def _serve(self, address: Address) -> None:
        self._loop = asyncio.get_running_loop()
        server = self._server()
        try:
            port = self._bound(server, address)
            await server.start()
        except Exception as error:  # noqa: BLE001 -- told to whoever waits for the port
            self._opened.set_exception(error)
            return
        self._opened.set_result(port)
        await self._stopping.wait()
        await server.stop(_GRACE_S)

    def _server(self) -> Any:
        behind = self._behind
        inbox = behind.settings.inbox
        acceptor = Acceptor(
            behind.inbox, min(inbox.max_request_bytes, inbox.max_bytes), self._limits
        )
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", acceptor.limit_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.per_message_decompression", 0),
                ("grpc.max_concurrent_streams", 128),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
                ("grpc.so_reuseport", 0),
            ]
        )
        asking = Asking(
            Reader(behind.services, behind.settings.serve.jaeger_any_service),
            behind.store, self._gate, QuestionRates(behind.settings.limits), self._threads,
            behind.telemetry,
        )  # fmt: skip
        health = _Methods(health_methods())
        server.add_generic_rpc_handlers(
            (Reception(acceptor, self._gate, forwarded), asking, health)
        )
        return server

    def _bound(self, server: Any, address: Address) -> int:
        place = f"{bracketed(address.host)}:{address.port}"
        try:
            if self._certificates is None:
                return int(server.add_insecure_port(place))
            return int(server.add_secure_port(place, self._certificates.grpc_credentials()))
        except RuntimeError as error:
            raise ConfigError(f"{address.setting} = {address} cannot be bound: {error}") from error


class _Methods(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Handlers by the paths of their methods."""

    def __init__(self, handlers: dict[str, Any]) -> None:
        self._handlers = handlers

    def service(self, handler_call_details: Any) -> Any:
        """Return the handler of a call, None if there is no such method."""
        return self._handlers.get(handler_call_details.method)
