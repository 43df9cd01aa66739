"""Keeps the exporter's own work out of the traces of the application it works for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

__all__ = ["suppressed"]


@contextmanager
def suppressed() -> Iterator[None]:
    """Have nothing that is instrumented make spans within the block."""
    token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
    try:
        yield
    finally:
        detach(token)
