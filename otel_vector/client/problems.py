"""Answers that are errors: the problem documents (RFC 9457) of the API, and what proxies say."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final, cast

import orjson

from otel_vector import errors
from otel_vector.client.call import Call, Reader
from otel_vector.client.readers import JSON

__all__ = ["Failure", "RefusedError", "reader_of"]

_PASSING: Final = frozenset({429, 502, 503, 504})
_SHOWN: Final = 200  # characters of an answer that is no problem document
_BY_STATUS: Final = MappingProxyType(
    {
        400: errors.InvalidInputError,
        401: errors.UnauthenticatedError,
        403: errors.AccessError,
        404: errors.NotFoundError,
        413: errors.TooLargeError,
        415: errors.UnsupportedMediaError,
        422: errors.InvalidInputError,
        429: errors.LimitedError,
        501: errors.UnsupportedError,
        503: errors.RetryableError,
        507: errors.StorageFullError,
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a try came to nothing.

    Attributes:
        error: what the caller is told if it is the last one.
        passing: the next try may go better.
        sent: the server may have done what it was asked.
        wait_s: seconds that the server asks to be left alone for.
        cause: what was raised below; None for what the server says.
    """

    error: errors.OtelVectorError
    passing: bool
    sent: bool = True
    wait_s: float = 0.0
    cause: Exception | None = None


class RefusedError(Exception):
    """An answer is an error; `failure` says which."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.error))
        self.failure = failure


def reader_of(call: Call[Any], status: int, headers: Mapping[str, str]) -> Reader[Any]:
    """Return what reads an answer: as the call says, or as the error it is.

    Args:
        call: what was asked.
        status: of the answer.
        headers: of the answer; names are found in any case.
    """
    is_json = headers.get("content-type", "").partition(";")[0].strip() == JSON
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return call.reader()
    if status in call.answers and is_json:
        return call.reader()
    return _ErrorReader(status, headers)


class _ErrorReader:
    """Keeps what an error says, and raises it when it is whole."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        self._status = status
        self._headers = headers
        self._said = bytearray()

    def feed(self, part: bytes) -> Iterator[Any]:
        self._said += part
        return iter(())

    def end(self) -> Iterator[Any]:
        wait_s = _wait_s(self._headers)
        error = _error_of(self._status, self._headers, bytes(self._said), wait_s)
        raise RefusedError(Failure(error, self._status in _PASSING, wait_s=wait_s))


def _error_of(
    status: int, headers: Mapping[str, str], said: bytes, wait_s: float
) -> errors.OtelVectorError:
    if status < HTTPStatus.BAD_REQUEST:
        to = headers.get("location", "elsewhere")
        return errors.ConfigError(
            f"client.url is answered with a redirect to {to!r}, which is not followed; "
            "name the address of the collector itself"
        )
    problem = _problem(status, said)
    text = str(problem.get("detail") or problem.get("title") or f"status {status}")
    kind = _error_type(str(problem.get("type", "")), status)
    if wait_s and issubclass(kind, errors.RetryableError):
        return kind(text, wait_s)
    return kind(text)


def _problem(status: int, said: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(said)
    except orjson.JSONDecodeError:
        text = " ".join(said[:_SHOWN].decode("utf-8", "replace").split())
        return {"detail": f"status {status}: {text}".rstrip(": ")}
    return found if isinstance(found, dict) else {"detail": f"status {status}"}


def _error_type(problem_type: str, status: int) -> type[errors.OtelVectorError]:
    """Return the class that a problem's type names, else the one of its status."""
    slug = problem_type.replace(":", "/").replace("#", "/").rstrip("/").rpartition("/")[2]
    name = "".join(word.capitalize() for word in slug.split("-")).removesuffix("Error") + "Error"
    if name in errors.__all__:
        return cast("type[errors.OtelVectorError]", getattr(errors, name))
    server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return _BY_STATUS.get(status, errors.RetryableError if server else errors.InvalidInputError)


def _wait_s(headers: Mapping[str, str]) -> float:
    """Return how long Retry-After asks to wait: seconds, or until a moment; 0 without one."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    until = _moment_s(text)
    if until is None:
        return 0.0
    now = _moment_s(headers.get("date", ""))  # by the server's own clock, if it tells it
    return max(0.0, until - (time.time() if now is None else now))


def _moment_s(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
