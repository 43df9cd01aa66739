"""Both doors of one process, over one inbox: opened and closed together."""

from __future__ import annotations

from dataclasses import dataclass

from otel_vector.inbox.contract import Intake
from otel_vector.keys.contract import Keyring
from otel_vector.settings.config import InboxConfig, ServeConfig
from otel_vector_collector.receive.accept import Acceptor
from otel_vector_collector.receive.addresses import (
    Address,
    bind_shared,
    require_free,
)
from otel_vector_collector.receive.gate import Gate
from otel_vector_collector.receive.grpc_door import GrpcDoor
from otel_vector_collector.receive.http_door import HttpDoor
from otel_vector_collector.receive.limits import DoorLimits
from otel_vector_collector.receive.tls import Certificates

__all__ = ["Doors", "Endpoints"]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the doors listen, as `host:port`; empty where a door is closed by setting."""

    otlp_grpc: str
    otlp_http: str


class Doors:
    """The gRPC and the HTTP door.

    Args:
        inbox: what is accepted goes there.
        limits: how large a request may be.
        keys: who may send; without any, the doors open on loopback only.
        certificates: for TLS, none without.
        rates: what senders are held to; nothing by default.
    """

    def __init__(
        self,
        inbox: Intake,
        limits: InboxConfig,
        keys: Keyring | None = None,
        certificates: Certificates | None = None,
        rates: DoorLimits | None = None,
    ) -> None:
        # What could never fit into the inbox is too large, not to be sent again for ever.
        limit_bytes = min(limits.max_request_bytes, limits.max_bytes)
        acceptor = Acceptor(inbox, limit_bytes, rates)
        self._gate = Gate(keys)
        self._grpc = GrpcDoor(acceptor, self._gate, certificates)
        self._http = HttpDoor(acceptor, self._gate, certificates)

    async def open(self, serve: ServeConfig, *, join: bool) -> Endpoints:
        """Listen at `serve.otlp_grpc` and `serve.otlp_http`.

        Args:
            serve: the addresses.
            join: share the ports with doors that listen there already; else they must be free.

        Raises:
            ConfigError: an address is wrong, taken, or open to other machines without keys.
        """
        addresses = [
            Address.parse(text, setting) if text else None
            for text, setting in (
                (serve.otlp_grpc, "serve.otlp_grpc"),
                (serve.otlp_http, "serve.otlp_http"),
            )
        ]
        for address in filter(None, addresses):
            self._gate.guard(address)
            if not join:
                require_free(address)
        grpc_address, http_address = addresses
        return Endpoints(
            otlp_grpc=await self._open_grpc(grpc_address) if grpc_address else "",
            otlp_http=await self._open_http(http_address) if http_address else "",
        )

    async def close(self, grace_s: float) -> None:
        """Take no more requests, and let those under way end."""
        await self._http.close(grace_s)
        await self._grpc.close(grace_s)

    async def _open_grpc(self, address: Address) -> str:
        port = await self._grpc.open(address.host, address.port)
        return str(address.with_port(port))

    async def _open_http(self, address: Address) -> str:
        sockets = bind_shared(address)
        await self._http.open(sockets)
        return str(address.with_port(sockets[0].getsockname()[1]))
