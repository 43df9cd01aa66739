"""What the web servers of the HTTP door and of the API share: TLS, and bounds on heads."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from otel_vector_collector.receive.tls import Certificates

__all__ = ["MAX_HEAD_BYTES", "BoundedHead", "secure"]

MAX_HEAD_BYTES: Final = 64 << 10
"""Bytes of one request's headers, trailers too; the parser sets no bound of its own."""


PATIENCE_S: Final = 20.0
"""Seconds for a head to come, and for the rest of a body that was answered before its end."""


class BoundedHead(HttpToolsProtocol):
    """HTTP/1.1 that refuses a head which goes on and on, before any memory goes with it.

    Nor does it wait for one for ever: connections that strangers hold open are connections that
    others do not get.
    """

    _unparted = 0  # bytes that came since a head or a part of a body was complete
    _fields = 0  # bytes of this message's headers
    _in_body = False
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._waited()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came of a connection."""
        if self._waiting is None and not self._in_body:
            self._wait()
        self._unparted += len(data)
        super().data_received(data)
        if self._unparted > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(f"a head has at most {MAX_HEAD_BYTES} bytes")

    def on_message_begin(self) -> None:
        """Begin to count the headers of a message."""
        self._fields = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header.

        Raises:
            ValueError: there are too many; the parser turns that into status 400.
        """
        self._fields += len(name) + len(value)
        if self._fields > MAX_HEAD_BYTES:
            raise ValueError("the head is too large")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the request."""
        self._waited()
        self._unparted, self._in_body = 0, True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._unparted = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._waited()
        self._unparted, self._in_body = 0, False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """End an answer; the rest of a body that it did not need is waited for, but not long."""
        super().on_response_complete()
        if self._in_body:
            self._wait()

    def _wait(self) -> None:
        self._waited()
        self._waiting = self.loop.call_later(PATIENCE_S, self.transport.close)

    def _waited(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def secure(config: uvicorn.Config, certificates: Certificates | None) -> None:
    """Make ready a web server's configuration, with TLS where there are certificates."""
    config.http = BoundedHead
    config.load()
    if certificates is not None:
        config.ssl = certificates.context()
