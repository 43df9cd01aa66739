"""Errors with the status codes and texts of the real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

__all__ = [
    "DISK_FULL",
    "RefusedError",
    "bad_input",
    "bad_request",
    "invalid",
    "no_collection",
    "of_engine",
    "only",
    "unknown",
]

DISK_FULL = "No space left on device: WAL buffer size exceeds available disk space"


class RefusedError(Exception):
    """A call ends with a status other than OK."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


def bad_input(text: str) -> RefusedError:
    """Return the error of a request whose content is wrong."""
    return RefusedError(grpc.StatusCode.INVALID_ARGUMENT, f"Wrong input: {text}")


def bad_request(text: str) -> RefusedError:
    """Return the error of a request that cannot be done as things are."""
    return RefusedError(grpc.StatusCode.INVALID_ARGUMENT, f"Bad request: {text}")


def invalid(text: str) -> RefusedError:
    """Return the error of a request that is refused before it is looked at."""
    return RefusedError(grpc.StatusCode.INVALID_ARGUMENT, text)


def no_collection(name: str) -> RefusedError:
    """Return the error for a collection that does not exist."""
    return RefusedError(
        grpc.StatusCode.NOT_FOUND, f"Not found: Collection `{name}` doesn't exist!"
    )


def unknown(what: str) -> RefusedError:
    """Return the stand-in's own error for something it does not do."""
    return RefusedError(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in does not know {what}")


def only(message: Any, *fields: str) -> None:
    """Refuse a message that has a field set which is not among these.

    Raises:
        RefusedError: it has; UNIMPLEMENTED with the field's name.
    """
    for field, _ in message.ListFields():
        if field.name not in fields:
            raise unknown(f"{message.DESCRIPTOR.name}.{field.name}")


@contextmanager
def of_engine() -> Iterator[None]:
    """Translate what the engine raises."""
    try:
        yield
    except RefusedError:
        raise
    except Exception as error:  # the engine raises nothing more precise
        text = str(error)
        if type(error) is not Exception:
            raise
        if text.startswith("No point with id"):
            text = f"Not found: {text} found"
            raise RefusedError(grpc.StatusCode.NOT_FOUND, text) from error
        if text.startswith("Service runtime error"):
            text = f"Service internal error: {text}"
            raise RefusedError(grpc.StatusCode.INTERNAL, text) from error
        raise bad_input(text) from error
