"""Errors to status codes, for both doors. Nowhere else is a status chosen.

OTLP tells clients what to repeat: over gRPC UNAVAILABLE, over HTTP 429, 502, 503 and 504, and
RESOURCE_EXHAUSTED only with RetryInfo, so that without it it means "never". RetryInfo goes where
the specification puts it (`grpc-status-details-bin`) and also into the trailing metadata
`google.rpc.retryinfo-bin`, the only place where the Python SDK looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TypeAlias

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToJson
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from otel_vector.errors import (
    AccessError,
    InvalidInputError,
    LimitedError,
    NotFoundError,
    OtelVectorError,
    PermanentError,
    QuotaError,
    RetryableError,
    TooLargeError,
    UnauthenticatedError,
    UnsupportedMediaError,
)

__all__ = ["Answer", "GrpcRefusal", "grpc_refusal", "http_refusal", "status_answer"]

Trailers: TypeAlias = tuple[tuple[str, bytes], ...]
_JSON = "application/json"
_PROTOBUF = "application/x-protobuf"

# The first class that fits, from the special to the general.
_CODES: tuple[tuple[type[OtelVectorError], grpc.StatusCode, int], ...] = (
    (QuotaError, grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
    (LimitedError, grpc.StatusCode.UNAVAILABLE, 429),
    (RetryableError, grpc.StatusCode.UNAVAILABLE, 503),
    (TooLargeError, grpc.StatusCode.RESOURCE_EXHAUSTED, 413),
    (UnsupportedMediaError, grpc.StatusCode.INVALID_ARGUMENT, 415),
    (InvalidInputError, grpc.StatusCode.INVALID_ARGUMENT, 400),
    (NotFoundError, grpc.StatusCode.NOT_FOUND, 404),
    (UnauthenticatedError, grpc.StatusCode.UNAUTHENTICATED, 401),
    (AccessError, grpc.StatusCode.PERMISSION_DENIED, 403),
    (PermanentError, grpc.StatusCode.INTERNAL, 500),
    (OtelVectorError, grpc.StatusCode.INTERNAL, 500),
)


_OF_REQUESTS = {403: grpc.StatusCode.PERMISSION_DENIED, 404: grpc.StatusCode.NOT_FOUND}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, headers in lower case, body."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class GrpcRefusal:
    """What a call is aborted with."""

    code: grpc.StatusCode
    message: str
    trailers: Trailers


def grpc_refusal(error: OtelVectorError) -> GrpcRefusal:
    """Return the gRPC status of an error, with RetryInfo if the call may be repeated."""
    code, _ = _codes(error)
    message = str(error)
    if not isinstance(error, RetryableError):
        return GrpcRefusal(code, message, ())
    status = _status(code, message, error.retry_after_s)
    trailers = (
        ("grpc-status-details-bin", status.SerializeToString()),
        ("google.rpc.retryinfo-bin", _retry_info(error.retry_after_s).SerializeToString()),
    )
    return GrpcRefusal(code, message, trailers)


def http_refusal(error: OtelVectorError, content_type: str) -> Answer:
    """Return the HTTP answer to an error, in the request's own encoding."""
    code, http_status = _codes(error)
    if isinstance(error, RetryableError):
        status = _status(code, str(error), error.retry_after_s)
        # Retry-After has whole seconds; 0 would ask to come back at once.
        retry_after = str(max(1, ceil(error.retry_after_s))).encode()
        return _answer(http_status, status, content_type, ((b"retry-after", retry_after),))
    challenge = ((b"www-authenticate", b"Bearer"),)
    headers = challenge if isinstance(error, UnauthenticatedError) else ()
    return _answer(http_status, _status(code, str(error), None), content_type, headers)


def status_answer(
    http_status: int,
    message: str,
    content_type: str,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> Answer:
    """Return an answer about the request itself: unknown path, wrong method, foreign page."""
    code = _OF_REQUESTS.get(http_status, grpc.StatusCode.UNIMPLEMENTED)
    return _answer(http_status, _status(code, message, None), content_type, headers)


def _codes(error: OtelVectorError) -> tuple[grpc.StatusCode, int]:
    return next((code, status) for kind, code, status in _CODES if isinstance(error, kind))


def _answer(
    http_status: int, status: Status, content_type: str, headers: tuple[tuple[bytes, bytes], ...]
) -> Answer:
    if content_type == _PROTOBUF:
        body = status.SerializeToString()
    else:
        content_type = _JSON
        body = MessageToJson(status, indent=None).encode()
    return Answer(http_status, ((b"content-type", content_type.encode()), *headers), body)


def _status(code: grpc.StatusCode, message: str, retry_after_s: float | None) -> Status:
    status = Status(code=code.value[0], message=message)
    if retry_after_s is not None:
        detail = AnyMessage()
        detail.Pack(_retry_info(retry_after_s))
        status.details.append(detail)
    return status


def _retry_info(seconds: float) -> RetryInfo:
    delay = Duration()
    delay.FromNanoseconds(int(seconds * 1e9))
    return RetryInfo(retry_delay=delay)
