"""OTLP over HTTP in protobuf, with bytes as they lie in the spool."""

from __future__ import annotations

import gzip
import ssl
from email.utils import parsedate_to_datetime
from time import time
from typing import Final

import httpx
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status

from otel_vector.exporter.answers import taken
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
_SHOWN: Final = 300  # characters of an answer that is no status message


class HttpWay:
    """A connection to one collector, kept open."""

    def __init__(self, target: Target) -> None:
        self._url = target.url
        self._gzip = target.gzip
        headers = {"content-type": "application/x-protobuf", **dict(target.headers)}
        if target.gzip:
            headers["content-encoding"] = "gzip"
        self._client = httpx.Client(
            headers=headers,
            timeout=target.timeout_s,
            trust_env=False,
            verify=_context(target) if target.is_tls else False,
        )

    def send(self, signal: Signal, body: bytes) -> Outcome:
        """See `Way.send`."""
        content = gzip.compress(body, 1) if self._gzip else body
        try:
            answer = self._client.post(self._url + _PATHS[signal], content=content)
        except (httpx.HTTPError, RuntimeError) as error:
            return Away(f"{type(error).__name__}: {error}")
        return taken(signal, answer.content) if answer.status_code in _OK else _outcome(answer)

    def close(self) -> None:
        """See `Way.close`."""
        self._client.close()


def _context(target: Target) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=target.ca or None)
    if target.cert:
        context.load_cert_chain(target.cert, target.key)
    return context


def _outcome(answer: httpx.Response) -> Outcome:
    code, detail = answer.status_code, f"{answer.status_code}: {_message(answer)}"
    if code in _DENIED or code in _REDIRECTS:
        return Denied(detail)
    if code in _BUSY:
        delay_s = _delay_s(answer.headers.get("retry-after", ""))
        return Away(detail) if delay_s is None else Busy(delay_s, detail)
    return Refused(detail) if code in _REFUSED else Faulty(detail)


def _message(answer: httpx.Response) -> str:
    if answer.status_code in _REDIRECTS:
        place = answer.headers.get("location", "another place")
        return f"redirected to {place}; redirects are not followed, name the place itself"
    try:
        return str(Status.FromString(answer.content).message)[:_SHOWN]
    except DecodeError:
        return answer.text[:_SHOWN]


def _delay_s(text: str) -> float | None:
    """Return the seconds of `Retry-After`, which is a number or a date; None without one."""
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except ValueError:
        return None
