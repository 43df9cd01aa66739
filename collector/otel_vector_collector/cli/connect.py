"""A client of the data folder's API, whether or not a collector serves the folder.

A served folder's process is asked over HTTP. Otherwise this process opens the folder and
serves the same API to itself on a unix socket that nobody else can reach. One way for both:
every command is a client.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from otel_vector.client import Access, Client
from otel_vector.errors import ConfigError
from otel_vector.settings.config import Settings
from otel_vector_collector.cli.console import say
from otel_vector_collector.serve.endpoints import Endpoints, read_endpoints
from otel_vector_collector.serve.lock import FolderLock, holder_of
from otel_vector_collector.serve.owners import owners_socket

if TYPE_CHECKING:
    from otel_vector.wiring import Engine

__all__ = ["client_of", "connected", "engine_opened", "served_at", "served_here"]

_OPENING_S: Final = 15.0
_POLL_S: Final = 0.05
_RETRY_S: Final = 0.0  # whoever waits at a terminal is told at once that nothing answers


@contextmanager
def connected(settings: Settings) -> Iterator[Client]:
    """Yield a client of the data folder.

    Raises:
        ConfigError: there is no such folder.
        StoreLockedError: another process has it open and does not serve it.
    """
    if settings.client.url:
        with Client(
            settings.client.url, access=Access.of(settings.client), retry_s=_RETRY_S
        ) as client:
            yield client
        return
    served = served_at(settings.data)
    if served is not None:
        with client_of(settings, served) as client:
            yield client
        return
    if not settings.data.is_dir():
        raise ConfigError(
            f"there is no data folder {settings.data}: name one with --data, or start one with "
            "`otel-vector serve`"
        )
    with engine_opened(settings) as engine, served_here(settings, engine) as client:
        yield client


def client_of(settings: Settings, served: Endpoints) -> Client:
    """Return a client of a folder that a process serves.

    The folder's owner needs no key and comes by a socket in it; with a key that is set the API
    is asked as everybody else asks it.
    """
    access = Access.of(settings.client)
    if access.api_key or not served.socket:
        return Client(served.url(served.api), access=access, retry_s=_RETRY_S)
    return Client.over_socket(Path(served.socket), access=access, retry_s=_RETRY_S)


def served_at(data: Path, wait_s: float = _OPENING_S) -> Endpoints | None:
    """Return where a folder is served; None if no process has it open.

    While a process has it open and has not said where, it is waited for.
    """
    deadline, told = time.monotonic() + wait_s, False
    while (holder := holder_of(data)) is not None:
        endpoints = read_endpoints(data)
        if endpoints is not None and endpoints.pid == holder.pid:
            return endpoints
        if time.monotonic() >= deadline:
            return None
        if not told and time.monotonic() > deadline - wait_s + 1:
            say(f"waiting for {holder.command} (process {holder.pid}), which has {data} open")
            told = True
        time.sleep(_POLL_S)
    return None


@contextmanager
def engine_opened(settings: Settings, command: str = "otel-vector") -> Iterator[Engine]:
    """Open the folder in this process, alone, without doors and without a worker running."""
    from otel_vector.wiring import Engine

    lock = FolderLock.acquire(settings.data, command)
    try:
        engine = Engine.open(settings)
        try:
            yield engine
        finally:
            engine.close()
    finally:
        lock.release()


@contextmanager
def served_here(settings: Settings, engine: Engine) -> Iterator[Client]:
    """Serve an engine's API to this process alone, and yield a client of it."""
    from otel_vector_collector.api.app import create_app
    from otel_vector_collector.serve.http import ApiServer

    with owners_socket(settings.data) as (path, listener):
        server = ApiServer(create_app(engine), [], owners=listener, graceful_s=1)
        server.start()
        try:
            ours = Access(tenant=settings.client.tenant)
            with Client.over_socket(path, access=ours, retry_s=_RETRY_S) as client:
                yield client
        finally:
            server.stop()
