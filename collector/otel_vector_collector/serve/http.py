"""The API's web server, in a thread of the engine's process, on sockets that are bound already."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import uvicorn
import uvloop
from fastapi import FastAPI
from starlette.types import ASGIApp

from otel_vector.errors import OtelVectorError
from otel_vector_collector.api.authentication import OwnersDoor
from otel_vector_collector.api.streams import Streams
from otel_vector_collector.receive.tls import Certificates
from otel_vector_collector.receive.web import secure

__all__ = ["ApiServer"]

_START_S = 10.0
_POLL_S = 0.005


class ApiServer:
    """Serves one application (`api.app.create_app`) on its listening sockets until stopped.

    Args:
        app: what answers.
        listeners: bound sockets that strangers may reach.
        owners: a bound socket that only the folder's owner can open; no key is asked for there.
        certificates: for TLS on the listeners; none without.
        graceful_s: how long a stop waits for answers, in seconds.
    """

    def __init__(
        self,
        app: FastAPI,
        listeners: list[socket.socket],
        *,
        owners: socket.socket | None = None,
        certificates: Certificates | None = None,
        graceful_s: int = 5,
    ) -> None:
        self._streams: Streams = app.state.streams
        self._servers: list[tuple[uvicorn.Server, list[socket.socket]]] = []
        if listeners:
            self._servers.append((_server(app, graceful_s, certificates), listeners))
        if owners is not None:
            self._servers.append((_server(OwnersDoor(app), graceful_s, None), [owners]))
        self._thread = threading.Thread(target=self._run, name="api", daemon=True)

    def start(self) -> None:
        """Answer from now on.

        Raises:
            OtelVectorError: the application did not start.
        """
        self._thread.start()
        deadline = time.monotonic() + _START_S
        while not all(server.started for server, _ in self._servers):
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise OtelVectorError("the API did not start; the log says why")
            time.sleep(_POLL_S)

    @property
    def alive(self) -> bool:
        """Whether it is answering."""
        return self._thread.is_alive()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Finish what is being answered, end what never would, then stop listening."""
        self._streams.close()
        for server, _ in self._servers:
            server.should_exit = True
        self._thread.join(timeout_s)
        for _, sockets in self._servers:
            for listener in sockets:
                listener.close()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as group:
            for server, sockets in self._servers:
                group.create_task(server.serve(sockets))


def _server(app: ASGIApp, graceful_s: int, certificates: Certificates | None) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=graceful_s,
    )
    secure(config, certificates)
    return uvicorn.Server(config)
