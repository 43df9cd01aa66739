"""Canonical text back to values."""

from __future__ import annotations

import json
from typing import Any

from otel_vector.errors import InvalidInputError

__all__ = ["value_of"]


def value_of(text: str) -> Any:
    """Return the value that a canonical text stands for.

    Raises:
        InvalidInputError: the text is not canonical.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInputError(f"not canonical text: {error}") from error
