"""What a server refuses or fails, in the words of `otel_vector.errors`."""

from __future__ import annotations

from typing import Any, Final

import grpc

from otel_vector.errors import (
    ConfigError,
    OtelVectorError,
    PermanentError,
    StorageFullError,
    StoreDamagedError,
    StoreUnavailableError,
    StoreVersionError,
)

__all__ = ["LEAST_VERSION", "is_there_already", "may_pass", "translated"]

LEAST_VERSION: Final = (1, 18)
"""1.17 brought points that are inserted only if they are absent, 1.18 vectors added later."""

_PASSING: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
    }
)
_FULL: Final = ("no space left", "disk space", "disk quota", "disk is full", "out of disk")
_TLS: Final = ("ssl", "tls", "certificate", "wrong_version_number", "verification check")
_HTTP: Final = ("http1", "http/1", "http2", "http/2", "first received frame", "content-type")


def is_there_already(error: grpc.RpcError) -> bool:
    """Return whether something could not be made because it exists."""
    text = _details(error).lower()
    return _code(error) is grpc.StatusCode.ALREADY_EXISTS or "already exist" in text


def may_pass(error: grpc.RpcError) -> bool:
    """Return whether the same call may succeed a moment later."""
    return _code(error) in _PASSING and type(translated(error, "", "")) is StoreUnavailableError


def translated(error: grpc.RpcError, doing: str, target: str) -> OtelVectorError:
    """Return an error that says what to do.

    Args:
        error: what the call raised.
        doing: the call, for the message.
        target: the server, for the message.
    """
    code, details = _code(error), _details(error)
    text = details.lower()
    where = f"the Qdrant server {target}"
    if any(word in text for word in _FULL):
        return StorageFullError(f"{where} has no disk space left; free some there")
    found = _of_code(code, details, where)
    if found is not None:
        return found
    if code in _PASSING:
        return _unavailable(text, details, where)
    if code is grpc.StatusCode.NOT_FOUND and "collection" in text:
        return StoreDamagedError(f"{where}: {details}; restore it there, or start again without")
    if code in {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}:
        return StoreUnavailableError(f"{where} failed at {doing}: {details}")
    return PermanentError(f"{where} refused {doing}: {details}")


def _of_code(code: Any, details: str, where: str) -> OtelVectorError | None:
    if code in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}:
        return ConfigError(
            f"{where} does not take the key ({details}); set store.api_key to one that may"
            " read and write"
        )
    if code is grpc.StatusCode.UNIMPLEMENTED:
        least = ".".join(map(str, LEAST_VERSION))
        return StoreVersionError(
            f"{where} does not know a call that is needed ({details}); use Qdrant {least} or"
            " newer, and the URL of its gRPC port"
        )
    return None


def _unavailable(text: str, details: str, where: str) -> OtelVectorError:
    if any(word in text for word in _TLS):
        return ConfigError(
            f"no TLS connection to {where} ({details}); write http:// if it has no TLS, else set"
            " store.ca to the authority of its certificate, and name the host as it does"
        )
    if any(word in text for word in _HTTP):
        return ConfigError(
            f"{where} does not speak gRPC without TLS ({details}); use its gRPC port, as a rule"
            " 6334, and https:// if it has TLS"
        )
    return StoreUnavailableError(
        f"{where} does not answer ({details}); start it, or check store.url"
    )


def _code(error: grpc.RpcError) -> Any:
    code = getattr(error, "code", None)
    return code() if callable(code) else None


def _details(error: grpc.RpcError) -> str:
    details = getattr(error, "details", None)
    return str(details() if callable(details) else error)
