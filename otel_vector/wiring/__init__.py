"""Settings to running parts: the only package that names a concrete backend.

The engine is loaded when it is first used: a process that only puts into an inbox stays small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_vector.wiring.backends import (
    Backends,
    EngineInbox,
    Spool,
    in_application,
    open_inbox,
    open_keyring,
    open_spool,
    open_state,
)

if TYPE_CHECKING:
    from otel_vector.wiring.engine import Backlog as Backlog
    from otel_vector.wiring.engine import Engine as Engine

__all__ = [
    "Backends",
    "Backlog",
    "Engine",
    "EngineInbox",
    "Spool",
    "in_application",
    "open_inbox",
    "open_keyring",
    "open_spool",
    "open_state",
]


def __getattr__(name: str) -> Any:
    """Load the engine when it is first used."""
    if name not in {"Backlog", "Engine"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from otel_vector.wiring import engine

    return getattr(engine, name)
