"""Jaeger's remote storage beside the engine, opened and closed with it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from fastapi import APIRouter

from otel_vector.errors import ConfigError
from otel_vector.keys.usage import Sharing, Usage
from otel_vector.settings.config import Settings
from otel_vector.wiring import Engine
from otel_vector_collector.jaeger.http import router
from otel_vector_collector.jaeger.purge import purge_router
from otel_vector_collector.jaeger.server import Behind, JaegerServer
from otel_vector_collector.receive.addresses import Address
from otel_vector_collector.receive.gate import Gate
from otel_vector_collector.receive.limits import DoorLimits
from otel_vector_collector.receive.tls import Certificates
from otel_vector_collector.serve.layout import usage_file

__all__ = ["JaegerDoor", "jaeger_door", "jaeger_routes"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JaegerDoor:
    """An open server: its address, empty if it is closed by setting, and how it is stopped."""

    place: str
    stop: Callable[[], None]


def jaeger_routes(engine: Engine) -> list[APIRouter]:
    """Return the routes of Jaeger's HTTP API, and where settings allow it that of purging.

    Raises:
        ConfigError: purging is allowed, and other machines could ask for it.
    """
    serve = engine.settings.serve
    if not serve.allow_purge:
        return [router]
    if not Address.parse(serve.api, "serve.api").is_loopback():
        raise ConfigError(
            f"serve.allow_purge is for tests on loopback, and serve.api = {serve.api} is not: "
            "unset one of them"
        )
    _LOG.warning(
        "serve.allow_purge is on: POST /jaeger/purge deletes everything a tenant has, at once; "
        "this is for test suites only"
    )
    return [router, purge_router(engine.store, engine.wait_stored)]


@contextmanager
def jaeger_door(
    settings: Settings, engine: Engine, gate: Gate, certificates: Certificates | None
) -> Iterator[JaegerDoor]:
    """Serve an engine at `serve.jaeger_grpc` until the block ends.

    Raises:
        ConfigError: the address cannot be served.
    """
    if not settings.serve.jaeger_grpc:
        yield JaegerDoor("", lambda: None)
        return
    address = Address.parse(settings.serve.jaeger_grpc, "serve.jaeger_grpc")
    with ExitStack() as stack:
        limits = DoorLimits(settings.limits, engine.inbox)
        sharing = Sharing(Usage(usage_file(settings.data)), limits.rates, limits.quotas)
        sharing.start()
        stack.callback(sharing.close)
        behind = Behind(settings, engine.services, engine.store, engine.inbox, engine.telemetry)
        server = JaegerServer(behind, gate, limits, certificates)
        place = server.start(address)
        stack.callback(server.stop)
        yield JaegerDoor(place, server.stop)
