"""Settings to running parts: the only package that names a concrete backend."""

from otel_vector.wiring.backends import Backends, EngineInbox, open_inbox, open_keyring, open_state
from otel_vector.wiring.engine import Backlog, Engine

__all__ = [
    "Backends",
    "Backlog",
    "Engine",
    "EngineInbox",
    "open_inbox",
    "open_keyring",
    "open_state",
]
