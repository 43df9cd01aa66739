"""Settings to running parts: the only package that names a concrete backend.

Each part is loaded when it is first used: a process that only puts into an inbox stays small.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from otel_vector.wiring.backends import Backends as Backends
    from otel_vector.wiring.backends import EngineInbox as EngineInbox
    from otel_vector.wiring.backends import in_application as in_application
    from otel_vector.wiring.backends import open_inbox as open_inbox
    from otel_vector.wiring.backends import open_keyring as open_keyring
    from otel_vector.wiring.backends import open_state as open_state
    from otel_vector.wiring.backends import require_engine as require_engine
    from otel_vector.wiring.engine import Backlog as Backlog
    from otel_vector.wiring.engine import Engine as Engine
    from otel_vector.wiring.spool import Spool as Spool
    from otel_vector.wiring.spool import open_spool as open_spool

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
    "require_engine",
]

_HOMES: Final = {
    "Backends": "backends",
    "Backlog": "engine",
    "Engine": "engine",
    "EngineInbox": "backends",
    "Spool": "spool",
    "in_application": "backends",
    "open_inbox": "backends",
    "open_keyring": "backends",
    "open_spool": "spool",
    "open_state": "backends",
    "require_engine": "backends",
}


def __getattr__(name: str) -> Any:
    """Load a part when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
