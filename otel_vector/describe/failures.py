"""The `error` facet: exception type and masked message, so that one failure is one text."""

from __future__ import annotations

from typing import Final

from otel_vector.describe.masking import masked_message
from otel_vector.spans.markers import without_digests

__all__ = ["error_text"]

_LONGEST: Final = 1_000  # characters of a message
_TRACEBACK: Final = "Traceback (most recent call last)"


def error_text(kind: str, message: str) -> str:
    """Return one line for a failure; empty when neither type nor message says anything.

    Args:
        kind: exception type or error type; left out where the message begins with it.
        message: exception message or status description.
    """
    said = masked_message(without_digests(_line(message)[:_LONGEST])).strip()
    short = kind.rpartition(".")[2]
    if not kind or (said and said.startswith((kind, short))):
        return said
    return f"{kind}: {said}" if said else kind


def _line(message: str) -> str:
    """Return the line of a Python traceback that says what happened; else the message."""
    if _TRACEBACK not in message:
        return message
    return message.rstrip().rpartition("\n")[2]
