"""The concrete backends: how each exchangeable part is made. Only here are they named.

Libraries that only the engine needs are imported when an engine is opened, so that a process
that only puts into the inbox stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol, cast

from otel_vector.embed.contract import Embedder
from otel_vector.errors import ConfigError
from otel_vector.inbox.contract import Intake
from otel_vector.ingest.queue import Queue
from otel_vector.keys.contract import Keyring
from otel_vector.keys.ring import StateKeyring
from otel_vector.settings.config import EmbedConfig, InboxConfig, Settings, StoreConfig
from otel_vector.settings.plugins import plugin
from otel_vector.state.contract import State
from otel_vector.state.folder import make_folder
from otel_vector.store.contract import Store
from otel_vector.store.models import Model, Models
from otel_vector.wiring.spool import spool_in

__all__ = [
    "NO_MODEL",
    "Backends",
    "EngineInbox",
    "in_application",
    "open_inbox",
    "open_keyring",
    "open_state",
    "require_engine",
    "require_qdrant",
]

NO_MODEL: Final = "none"
"""The setting, and the store's name for it, of search by words and filters only."""


class EngineInbox(Queue, Intake, Protocol):
    """An inbox as the engine's process uses it: it takes, and puts what it records of itself."""


def _inbox(path: Path, config: InboxConfig) -> EngineInbox:
    if config.backend:
        return cast("EngineInbox", plugin("inbox", config.backend)(path, config))
    from otel_vector.inbox.sqlite import SqliteInbox

    return SqliteInbox(path, config)


def _sqlite_state(path: Path) -> State:
    from otel_vector.state.sqlite import SqliteState

    return SqliteState(path)


def _store(
    path: Path, config: StoreConfig, model: str, dimension: int, indexed: tuple[str, ...]
) -> Store:
    if config.backend:
        made = plugin("store", config.backend)(path, config, model, dimension, indexed)
        return cast("Store", made)
    if config.url:
        return _server_store(config, model, dimension, indexed)
    from otel_vector.store.edge import EdgeStore

    return EdgeStore(path, config, model, dimension, indexed)


def _server_store(
    config: StoreConfig, model: str, dimension: int, indexed: tuple[str, ...]
) -> Store:
    require_qdrant()
    from otel_vector.store.qdrant import QdrantStore

    default = Model(model, dimension) if dimension else None
    return QdrantStore(config, Models(default), indexed)


def require_engine() -> None:
    """Refuse to open a store without the libraries for it.

    Raises:
        ConfigError: they are not installed; says what to install.
    """
    if find_spec("qdrant_edge") is None or find_spec("fastembed") is None:
        raise ConfigError(
            "the libraries of the store are missing in this Python; install otel-vector[engine],"
            " or send to a collector instead"
        )


def require_qdrant() -> None:
    """Refuse a store on a server without the library for it.

    Raises:
        ConfigError: it is not installed; says what to install.
    """
    if find_spec("qdrant_client") is None:
        raise ConfigError(
            "store.url: the library for Qdrant servers is missing; install otel-vector[qdrant]"
        )


def _embedder(config: EmbedConfig) -> Embedder | None:
    if config.backend:
        return cast("Embedder", plugin("embed", config.backend)(config))
    if config.url:
        if not config.model:
            raise ConfigError("embed.model: name the model at embed.url")
        from otel_vector.embed.openai import OpenAIEmbedder

        return OpenAIEmbedder(
            config.url, config.model, config.api_key, config.dimension, config.timeout_s
        )
    if config.model == NO_MODEL:
        return None
    from otel_vector.embed.fast import BUNDLED, FastEmbedder

    return FastEmbedder(config.model or BUNDLED, config.threads, config.path)


@dataclass(frozen=True, slots=True)
class Backends:
    """How each exchangeable part is made; another backend is another factory here.

    Attributes:
        inbox: makes the inbox in a folder.
        state: makes the state in a file.
        store: makes the store in a folder, for vectors of a model and dimension, and with the
            key fields that every point is given.
        embedder: makes the embedder; None for search by words and filters only.
    """

    inbox: Callable[[Path, InboxConfig], EngineInbox] = _inbox
    state: Callable[[Path], State] = _sqlite_state
    store: Callable[[Path, StoreConfig, str, int, tuple[str, ...]], Store] = _store
    embedder: Callable[[EmbedConfig], Embedder | None] = _embedder


def open_inbox(settings: Settings, backends: Backends | None = None) -> EngineInbox:
    """Open the data folder's inbox alone, to put into it or to look at its dead letters.

    Any number of processes may have it open; the engine is the only one that takes.
    """
    make_folder(settings.data)
    folder = settings.data / "inbox"
    make_folder(folder)
    return (backends or Backends()).inbox(folder, settings.inbox)


def in_application(config: InboxConfig) -> Backends:
    """Return the backends of an engine in an application's process."""
    return Backends() if config.backend else Backends(inbox=spool_in)


def open_state(settings: Settings, backends: Backends | None = None) -> State:
    """Open the data folder's state alone; any number of processes may."""
    make_folder(settings.data)
    return (backends or Backends()).state(settings.data / "state.db")


@contextmanager
def open_keyring(settings: Settings, backends: Backends | None = None) -> Iterator[Keyring]:
    """Open the data folder's keys, on a state of their own: no other writer is waited for."""
    state = open_state(settings, backends)
    try:
        yield StateKeyring(state)
    finally:
        state.close()
