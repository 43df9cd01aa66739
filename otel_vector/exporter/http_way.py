"""OTLP over HTTP in protobuf, with bytes as they lie in the spool.

The standard library's client has what is needed and nothing else: no proxy of the environment, no
redirect that a key would follow, and no log record of each request, which an application that
exports its logs would send, with a request that makes the next.
"""

from __future__ import annotations

import gzip
import socket
import ssl
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from time import monotonic, time
from typing import Final
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status

from otel_vector.exporter.answers import in_one_line, taken
from otel_vector.exporter.outcomes import Away, Busy, Denied, Faulty, Outcome, Refused
from otel_vector.exporter.target import Target
from otel_vector.spans.meanings import Signal

__all__ = ["HttpWay"]

_PATHS: Final = {Signal.SPANS: "/v1/traces", Signal.LOGS: "/v1/logs"}
_BUSY: Final = frozenset({429, 502, 503, 504})
_DENIED: Final = frozenset({401, 403, 404, 405, 407})
_OK: Final = range(200, 300)
_REDIRECTS: Final = range(300, 400)
_REFUSED: Final = range(400, 500)
_ANSWER_BYTES: Final = 1 << 20
_AGENT: Final = "otel-vector-exporter"


class HttpWay:
    """A connection to one collector, kept open."""

    def __init__(self, target: Target) -> None:
        self._path = urlsplit(target.url).path
        self._gzip = target.gzip
        self._timeout_s = target.timeout_s
        self._headers = {
            "content-type": "application/x-protobuf",
            "user-agent": _AGENT,
            **dict(target.headers),
        }
        if target.gzip:
            self._headers["content-encoding"] = "gzip"
        self._connection = _connection(target)
        self._is_closed = False

    def send(self, signal: Signal, body: bytes) -> Outcome:
        """See `Way.send`."""
        content = gzip.compress(body, 1) if self._gzip else body
        path = self._path + _PATHS[signal]
        try:
            status, headers, answer = self._posted(path, content)
        except (OSError, HTTPException) as error:
            self._connection.close()
            return Away(f"{type(error).__name__}: {error}")
        if status in _OK:
            return taken(signal, answer)
        return _outcome(status, headers, answer)

    def close(self) -> None:
        """See `Way.close`."""
        self._is_closed = True
        sock = self._connection.sock
        if sock is not None:
            with suppress(OSError):  # nobody is there any more
                sock.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _posted(self, path: str, content: bytes) -> tuple[int, dict[str, str], bytes]:
        """Post once; once more if a connection that was kept open has been closed meanwhile."""
        was_open = self._connection.sock is not None
        try:
            return self._answer(path, content)
        except (ConnectionError, HTTPException):
            if not was_open or self._is_closed:
                raise
            self._connection.close()
            return self._answer(path, content)

    def _answer(self, path: str, content: bytes) -> tuple[int, dict[str, str], bytes]:
        self._connection.request("POST", path, content, self._headers)
        response: HTTPResponse = self._connection.getresponse()
        answer = self._read(response)
        if not response.isclosed():
            self._connection.close()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, answer

    def _read(self, response: HTTPResponse) -> bytes:
        """Read the beginning of an answer, for no longer than a request may take."""
        until, answer = monotonic() + self._timeout_s, b""
        while part := response.read1(_ANSWER_BYTES - len(answer)):
            answer += part
            if monotonic() > until:
                raise TimeoutError("the answer does not end")
        return answer


def _connection(target: Target) -> HTTPConnection:
    if not target.is_tls:
        return HTTPConnection(target.host, target.port, timeout=target.timeout_s)
    context = ssl.create_default_context(cafile=target.ca or None)
    if target.cert:
        context.load_cert_chain(target.cert, target.key)
    return HTTPSConnection(target.host, target.port, timeout=target.timeout_s, context=context)


def _outcome(status: int, headers: dict[str, str], answer: bytes) -> Outcome:
    detail = in_one_line(f"{status}: {_message(status, headers, answer)}")
    if status in _DENIED or status in _REDIRECTS:
        return Denied(detail)
    if status in _BUSY:
        delay_s = _delay_s(headers.get("retry-after", ""))
        return Away(detail) if delay_s is None else Busy(delay_s, detail)
    return Refused(detail) if status in _REFUSED else Faulty(detail)


def _message(status: int, headers: dict[str, str], answer: bytes) -> str:
    if status in _REDIRECTS:
        place = headers.get("location", "another place")
        return f"redirected to {place}; redirects are not followed, name the place itself"
    try:
        return str(Status.FromString(answer).message)
    except DecodeError:
        return answer.decode("utf-8", "replace")


def _delay_s(text: str) -> float | None:
    """Return the seconds of `Retry-After`, which is a number or a date; None without one."""
    try:
        if text.strip().isdigit():
            return float(text)
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, OverflowError):
        return None
