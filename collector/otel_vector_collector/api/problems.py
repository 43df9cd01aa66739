"""Errors as RFC 9457 problem documents: the only place that chooses an HTTP status."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from otel_vector import errors

__all__ = [
    "FORBIDDEN",
    "MISDIRECTED",
    "NOT_READY",
    "PROBLEM",
    "STATUS",
    "fault",
    "not_acceptable",
    "problem",
    "refusal",
    "register",
    "status_of",
    "too_large",
    "type_of",
]

_log = logging.getLogger(__name__)

STATUS: Final[Mapping[type[errors.OtelVectorError], int]] = MappingProxyType(
    {
        errors.OtelVectorError: 500,
        errors.RetryableError: 503,
        errors.InboxFullError: 503,
        errors.StorageFullError: 507,
        errors.EmbedderUnavailableError: 503,
        errors.StoreUnavailableError: 503,
        errors.LimitedError: 429,
        errors.QuotaError: 429,
        errors.PermanentError: 500,
        errors.InvalidInputError: 400,
        errors.MalformedError: 400,
        errors.UnsupportedMediaError: 415,
        errors.TooLargeError: 413,
        errors.InvalidQueryError: 400,
        errors.QueryTimeoutError: 422,
        errors.UnsupportedError: 501,
        errors.NotFoundError: 404,
        errors.UnauthenticatedError: 401,
        errors.AccessError: 403,
        errors.JobCancelledError: 409,
        errors.ConfigError: 500,
        errors.StoreLockedError: 503,
        errors.StoreVersionError: 500,
        errors.ModelMismatchError: 500,
        errors.StoreDamagedError: 500,
    }
)
"""The status of every class of the error tree."""

NOT_READY: Final = 503
FORBIDDEN: Final = 403
MISDIRECTED: Final = 421

PROBLEM: Final = "application/problem+json"
"""Media type of problem documents."""

_WORDS: Final = re.compile(r"(?<!^)(?=[A-Z])")
_BY_HTTP_STATUS: Final = MappingProxyType(
    {
        400: "malformed",
        404: "not-found",
        405: "method-not-allowed",
        406: "not-acceptable",
        413: "too-large",
        415: "unsupported-media",
        421: "misdirected-request",
        503: "retryable",
    }
)


def status_of(error: errors.OtelVectorError) -> int:
    """Return the HTTP status of an error."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def type_of(error: errors.OtelVectorError) -> str:
    """Return the type that a problem document gives an error."""
    return f"urn:otel-vector:problem:{_slug(error)}"


def _slug(error: errors.OtelVectorError) -> str:
    return _WORDS.sub("-", type(error).__name__.removesuffix("Error")).lower()


def problem(
    status: int,
    slug: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """Return a problem document.

    Args:
        status: HTTP status.
        slug: the kind of problem, the class of the error in kebab case.
        detail: what happened and what to do.
        headers: more headers of the answer.
        extra: more members of the document.
    """
    document = {
        "type": f"urn:otel-vector:problem:{slug}",
        "title": slug.replace("-", " "),
        "status": status,
        "detail": detail,
        **(extra or {}),
    }
    return Response(
        orjson.dumps(document), status, headers=dict(headers or {}), media_type=PROBLEM
    )


def refusal(error: errors.OtelVectorError, challenge: str = "Bearer") -> Response:
    """Return the answer to a request that is refused for an error.

    Args:
        error: why.
        challenge: how a request without a valid key is told to show one.
    """
    headers = {}
    if isinstance(error, errors.RetryableError):
        headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    if isinstance(error, errors.UnauthenticatedError):
        headers["WWW-Authenticate"] = challenge
    return problem(status_of(error), _slug(error), str(error), headers)


def fault(what: str, error: Exception) -> Response:
    """Return the answer to a request that failed by a fault of ours; only the log tells why."""
    _log.error("%s failed", what, exc_info=error)
    return problem(500, "otel-vector", "this is a fault of otel-vector; its log tells more")


def not_acceptable(offers: Sequence[str]) -> HTTPException:
    """Return the error of a request that accepts none of what there is."""
    return HTTPException(406, f"this is given as {', '.join(offers)}; name one of them in Accept")


def too_large(limit_bytes: int) -> HTTPException:
    """Return the error of a request whose body is over a limit."""
    return HTTPException(
        STATUS[errors.TooLargeError],
        f"a question has at most {limit_bytes:,} bytes: ask for less at once",
    )


def register(app: FastAPI) -> None:
    """Have every error of an application answered as a problem document."""
    app.add_exception_handler(errors.OtelVectorError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.OtelVectorError)
    status = status_of(error)
    if status >= 500 and not isinstance(error, errors.RetryableError):  # noqa: PLR2004
        _log.error("%s %s failed: %s", request.method, request.url.path, error, exc_info=error)
    return refusal(error)


async def _invalid(_request: Request, error: Exception) -> Response:
    """Answer a body or parameter of the wrong shape, naming each place."""
    assert isinstance(error, RequestValidationError)
    found = [_complaint(one) for one in error.errors()]
    detail = "; ".join(found) or "the request cannot be read"
    status = 400 if any(e["type"] == "json_invalid" for e in error.errors()) else 422
    return problem(status, "invalid-input", detail[:2000])


def _complaint(one: Mapping[str, Any]) -> str:
    """Return a sentence on one part; what was sent is not repeated, it may be large."""
    place = ".".join(str(part) for part in one["loc"] if part != "body")
    return f"{place or 'body'}: {one['msg'][:1].lower()}{one['msg'][1:]}"


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    slug = _BY_HTTP_STATUS.get(error.status_code, "http")
    detail = f"{error.detail}: {request.method} {request.url.path}"
    return problem(error.status_code, slug, detail, error.headers)
