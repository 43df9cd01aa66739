"""The API over a test's world, served by a real web server on a free port."""

from __future__ import annotations

import atexit
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import uvicorn
from fastapi import APIRouter

from otel_vector.services.container import Services
from otel_vector.settings.config import ServeConfig, Settings
from otel_vector.store.contract import Store
from otel_vector.telemetry import PartHealth, Telemetry
from otel_vector_collector.api.app import create_app
from otel_vector_collector.api.engine import Serving
from otel_vector_collector.receive.gate import Gate

_DATA = tempfile.TemporaryDirectory()
atexit.register(_DATA.cleanup)
SETTINGS = replace(Settings(), data=Path(_DATA.name), serve=ServeConfig(api="127.0.0.1:0"))


@dataclass
class Served:
    """An engine made of parts that a test has at hand."""

    store: Store
    services: Services
    settings: Settings = SETTINGS
    telemetry: Telemetry = field(default_factory=Telemetry)
    parts: list[PartHealth] = field(default_factory=list)

    def health(self) -> list[PartHealth]:
        return self.parts


@contextmanager
def served(
    engine: Serving, gate: Gate | None = None, more: Sequence[APIRouter] = ()
) -> Iterator[httpx.Client]:
    """Serve an engine's API, with more routes if told, and yield a client of it."""
    app = create_app(engine, gate=gate, more=more)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started:
            assert thread.is_alive() and time.monotonic() < deadline
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield client
    finally:
        app.state.streams.close()
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
