"""OTLP over HTTP: `POST /v1/traces`, `/v1/logs`, `/v1/metrics`, protobuf and JSON.

A minimal ASGI application under uvicorn. A body is counted while it comes in, and refused at the
limit, whatever its length header says.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import uvicorn

from otel_vector.decode.messages import JSON, PROTOBUF
from otel_vector.errors import (
    InboxFullError,
    OtelVectorError,
    RetryableError,
    TooLargeError,
    UnsupportedMediaError,
)
from otel_vector.keys.contract import Role
from otel_vector_collector.receive.accept import LOGS, METRICS, TRACES, Acceptor, Kind
from otel_vector_collector.receive.addresses import is_foreign
from otel_vector_collector.receive.gate import Gate, refuse_key_in_url, require
from otel_vector_collector.receive.limits import Sender
from otel_vector_collector.receive.status import Answer, http_refusal, status_answer
from otel_vector_collector.receive.tenant import tenant_of
from otel_vector_collector.receive.tls import Certificates
from otel_vector_collector.receive.web import secure

__all__ = ["HttpDoor"]

_PATHS = {"/v1/traces": TRACES, "/v1/logs": LOGS, "/v1/metrics": METRICS}
_KEEP_ALIVE_S = 75
_BODY_S = 60.0
"""A body that takes longer is let go: what has come of it counts among the bytes held."""
_HELD_BYTES = 512 << 20
"""Bodies that are held at once, whether they are complete or still coming in."""

_Scope: TypeAlias = dict[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
_Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]


class HttpDoor:
    """An HTTP server on sockets that are bound already."""

    def __init__(self, acceptor: Acceptor, gate: Gate, certificates: Certificates | None) -> None:
        self._acceptor = acceptor
        self._gate = gate
        config = uvicorn.Config(
            self._serve,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            ws="none",
            timeout_keep_alive=_KEEP_ALIVE_S,
        )
        secure(config, certificates)
        self._server = _Server(config)
        self._running: asyncio.Task[None] | None = None
        self._held_bytes = 0

    async def open(self, sockets: Sequence[socket.socket]) -> None:
        """Serve on these sockets; returns once they are listened to."""
        self._running = asyncio.create_task(self._server.serve(list(sockets)))
        while not self._server.started:
            await asyncio.wait([self._running], timeout=0.01)
            if self._running.done():
                await self._running

    async def close(self, grace_s: float) -> None:
        """Refuse new requests, and let those under way end within `grace_s` seconds."""
        self._server.config.timeout_graceful_shutdown = max(1, round(grace_s))
        self._server.should_exit = True
        if self._running is not None:
            await self._running

    async def _serve(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        answer = await self._answer(scope, receive)
        if answer is None:
            return
        headers = [*answer.headers, (b"content-length", str(len(answer.body)).encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: _Scope, receive: _Receive) -> Answer | None:
        pairs = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        ]
        headers = dict(pairs)
        content_type = _content_type(headers)
        kind = _PATHS.get(scope["path"])
        if kind is None:
            known = ", ".join(_PATHS)
            return status_answer(404, f"{scope['path']} is not served; use {known}", content_type)
        if scope["method"] != "POST":
            allow = ((b"allow", b"POST"),)
            return status_answer(405, "only POST is served here", content_type, allow)
        if "origin" in headers and is_foreign(headers["origin"]):
            return status_answer(403, "pages of other sites are not served", content_type)
        try:
            sender = self._admitted(pairs, scope.get("query_string", b""))
        except OtelVectorError as error:
            self._acceptor.count_refusal(error)
            told = await self._acceptor.limits.holding.held(error, _address(scope))
            return http_refusal(told, content_type)
        try:
            return await self._export(kind, sender, headers, receive)
        except OtelVectorError as error:
            return http_refusal(error, content_type)

    def _admitted(self, headers: list[tuple[str, str]], query: bytes) -> Sender:
        refuse_key_in_url(query)
        key = self._gate.key_of(headers)
        require(key, Role.INGEST)
        sender = Sender(tenant_of(headers, key), key)
        self._acceptor.limits.admit(sender)
        return sender

    async def _export(
        self, kind: Kind, sender: Sender, headers: dict[str, str], receive: _Receive
    ) -> Answer | None:
        content_type = _content_type(headers)
        if content_type not in {PROTOBUF, JSON}:
            raise UnsupportedMediaError(
                f"content type {content_type!r} is not spoken here; use {PROTOBUF} or {JSON}"
            )
        encoding = headers.get("content-encoding", "")
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(_BODY_S):
                if not await self._read(parts, headers, receive):
                    return None
            body = parts[0] if len(parts) == 1 else b"".join(parts)
            response = await self._acceptor.accept(kind, sender, body, content_type, encoding)
        except TimeoutError as error:
            raise RetryableError(f"the body did not come within {_BODY_S:.0f} s") from error
        finally:
            self._held_bytes -= sum(map(len, parts))
        return Answer(200, ((b"content-type", content_type.encode()),), response)

    async def _read(self, parts: list[bytes], headers: dict[str, str], receive: _Receive) -> bool:
        """Read the whole body; False if the client went away."""
        limit = self._acceptor.limit_bytes
        if int(headers.get("content-length", "0")) > limit:
            raise _too_large(limit)
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return False
            parts.append(message["body"])
            size += len(parts[-1])
            self._held_bytes += len(parts[-1])
            if size > limit:
                raise _too_large(limit)
            if self._held_bytes > _HELD_BYTES:
                raise InboxFullError(
                    f"bodies of {self._held_bytes} bytes come in at once; send it again later"
                )
            if not message.get("more_body"):
                return True


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process it runs in."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _address(scope: _Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _content_type(headers: dict[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(
        f"the request is larger than {limit} bytes (inbox.max_request_bytes); send smaller batches"
    )
