"""A local HTTP server that answers as it is told: late, wrong, in parts, or not at all."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer


@dataclass(frozen=True)
class Reply:
    """What is answered to one request.

    Attributes:
        parts: of the body; without a length they are sent as chunks.
        breaks: the connection is dropped after the parts, without the end of the answer.
        held: is waited for before the last part.
    """

    status: int = 200
    parts: Sequence[bytes] = (b"{}",)
    headers: dict[str, str] = field(default_factory=dict)
    breaks: bool = False
    held: threading.Event | None = None


DROP = Reply(status=0)
"""The connection is dropped without an answer."""


def problem(status: int, slug: str, detail: str = "it is so", **headers: str) -> Reply:
    body = json.dumps({"type": f"urn:otel-vector:problem:{slug}", "detail": detail}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, (body,), {"Content-Type": "application/problem+json", **named})


def said(value: object, status: int = 200) -> Reply:
    return Reply(status, (json.dumps(value).encode(),), {"Content-Type": "application/json"})


@dataclass(frozen=True)
class Request:
    """What came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Answers:
    """The replies to come, the last one again and again; and the requests that came."""

    def __init__(self, *replies: Reply) -> None:
        self.requests: list[Request] = []
        self._replies = deque(replies)

    def next(self, request: Request) -> Reply:
        self.requests.append(request)
        return self._replies.popleft() if len(self._replies) > 1 else self._replies[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: Answers

    def _answer(self):
        length = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(length))
        reply = self.answers.next(request)
        if reply is DROP:
            self._drop()
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for n, part in enumerate(reply.parts):
            if reply.held and n == len(reply.parts) - 1:
                reply.held.wait(30)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()
        if reply.breaks:
            self._drop()
        else:
            self.wfile.write(b"0\r\n\r\n")

    def do_GET(self):
        self._answer()

    def do_POST(self):
        self._answer()

    def do_DELETE(self):
        self._answer()

    def _drop(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *args):
        pass

    def address_string(self):
        return "local"


class _UnixServer(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


@contextmanager
def answering(
    *replies: Reply, socket_path: Path | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, Answers]]:
    """Serve replies; yield the base URL and what comes."""
    answers = Answers(*replies)
    handler = type("Handler", (_Handler,), {"answers": answers})
    if socket_path is None:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        url = f"http://127.0.0.1:{server.server_port}"
        if tls is not None:
            server.socket = tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
            url = f"https://127.0.0.1:{server.server_port}"
    else:
        server = _UnixServer(str(socket_path), handler)
        url = f"unix:{socket_path}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield url, answers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
