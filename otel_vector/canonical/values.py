"""What canonical text decodes to where the value itself cannot come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Opaque", "Unresolved"]


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that has no text of its own: a function, a connection, a lock.

    Attributes:
        type: its type, `package.module.Class`.
        text: what it said of itself, cut, without addresses.
    """

    type: str
    text: str


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A value whose class is not loaded here, or has changed since.

    Attributes:
        type: its type, `package.module.Class`.
        fields: its parts by name, decoded.
    """

    type: str
    fields: Mapping[str, Any] = field(hash=False)
