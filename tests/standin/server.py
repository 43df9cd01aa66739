"""The stand-in's server: starts, answers, stops; its data stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc
from qdrant_client import grpc as pb

from standin.faults import Faults
from standin.points import Points
from standin.shelf import Collections, Health, Shelf

__all__ = ["StandIn"]

_GRACE_S = 5.0
_THREADS = 8


class StandIn:
    """A server on a port of loopback, until it is closed."""

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        api_key: str = "",
        version: str = "1.18.3",
        distributed: bool = True,
        certificate: tuple[bytes, bytes] | None = None,
    ) -> None:
        """Start to serve a data folder.

        Args:
            data: where collections are kept.
            port: port of loopback; 0 for a free one.
            api_key: the key that callers have to show.
            version: what it says it is.
            distributed: whether shard keys can be made.
            certificate: private key and certificate chain, PEM; makes it serve TLS.
        """
        self.faults = Faults(api_key)
        self._shelf = Shelf(data, distributed=distributed)
        self._server = grpc.server(
            ThreadPoolExecutor(_THREADS, "standin"),
            interceptors=[self.faults],
            options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)],
        )
        pb.add_QdrantServicer_to_server(Health(version), self._server)
        pb.add_CollectionsServicer_to_server(Collections(self._shelf), self._server)
        pb.add_PointsServicer_to_server(Points(self._shelf), self._server)
        address = f"127.0.0.1:{port}"
        if certificate is None:
            self.port = self._server.add_insecure_port(address)
        else:
            credentials = grpc.ssl_server_credentials([certificate])
            self.port = self._server.add_secure_port(address, credentials)
        self._scheme = "http" if certificate is None else "https"
        self._server.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Answer what is under way, then stop; the data stays."""
        self._server.stop(_GRACE_S).wait(_GRACE_S)
        self._shelf.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
