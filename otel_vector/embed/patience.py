"""An HTTP transport that tries again: busy and broken answers, and connections that fail.

Waits double from a fifth of a second and honour Retry-After. The whole patience is bounded,
since a loop above tries later anyway and a person may be waiting for a search.
"""

from __future__ import annotations

import random
import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

__all__ = ["PatientTransport", "retry_after_s"]

_BUSY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 10.0


class PatientTransport(httpx.BaseTransport):
    """Sends requests through `inner`, up to `attempts` times in `patience_s` seconds."""

    def __init__(
        self, inner: httpx.BaseTransport, attempts: int = 4, patience_s: float = 20.0
    ) -> None:
        self._inner = inner
        self._attempts = attempts
        self._patience_s = patience_s

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the first answer that is neither busy nor broken, or the last one.

        Raises:
            httpx.TransportError: the last attempt got no answer.
        """
        deadline = time.monotonic() + self._patience_s
        for attempt in range(1, self._attempts):
            wait_s = self._try(request, attempt)
            if isinstance(wait_s, httpx.Response):
                return wait_s
            if time.monotonic() + wait_s > deadline:
                break
            time.sleep(wait_s)
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()

    def _try(self, request: httpx.Request, attempt: int) -> httpx.Response | float:
        """Return an answer, or the seconds to wait before the next attempt."""
        backoff_s = _FIRST_WAIT_S * 2.0 ** (attempt - 1) * random.uniform(0.8, 1.2)
        try:
            response = self._inner.handle_request(request)
            response.read()  # a connection may also break within the body
        except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError):
            return backoff_s
        if response.status_code not in _BUSY and not response.is_server_error:
            return response
        asked_s = retry_after_s(response.headers.get("retry-after", ""))
        response.close()
        return min(max(backoff_s, asked_s), _LONGEST_WAIT_S)


def retry_after_s(value: str) -> float:
    """Return the seconds that a Retry-After header asks for; 0 if it is absent or unreadable."""
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0
