"""The API's web server, in a thread of the engine's process, on sockets that are bound already."""

from __future__ import annotations

import socket
import threading
import time

import uvicorn
from fastapi import FastAPI

from otel_vector.errors import OtelVectorError
from otel_vector_collector.api.streams import Streams

__all__ = ["ApiServer"]

_START_S = 10.0
_POLL_S = 0.005


class ApiServer:
    """Serves one application (`api.app.create_app`) on its listening sockets until stopped."""

    def __init__(
        self, app: FastAPI, listeners: list[socket.socket], *, graceful_s: int = 5
    ) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="auto",
            timeout_graceful_shutdown=graceful_s,
        )
        self._streams: Streams = app.state.streams
        self._server = uvicorn.Server(config)
        self._listeners = listeners
        self._thread = threading.Thread(target=self._run, name="api", daemon=True)

    def start(self) -> None:
        """Answer from now on.

        Raises:
            OtelVectorError: the application did not start.
        """
        self._thread.start()
        deadline = time.monotonic() + _START_S
        while not self._server.started:
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
        self._server.should_exit = True
        self._thread.join(timeout_s)
        for listener in self._listeners:
            listener.close()

    def _run(self) -> None:
        self._server.run(sockets=self._listeners)
