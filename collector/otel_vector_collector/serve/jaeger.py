"""Jaeger's remote storage beside the engine, opened and closed with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from otel_vector.keys.usage import Sharing, Usage
from otel_vector.settings.config import Settings
from otel_vector.wiring import Engine
from otel_vector_collector.jaeger.server import Behind, JaegerServer
from otel_vector_collector.receive.addresses import Address
from otel_vector_collector.receive.gate import Gate
from otel_vector_collector.receive.limits import DoorLimits
from otel_vector_collector.receive.tls import Certificates
from otel_vector_collector.serve.layout import usage_file

__all__ = ["JaegerDoor", "jaeger_door"]


@dataclass(frozen=True, slots=True)
class JaegerDoor:
    """An open server: its address, empty if it is closed by setting, and how it is stopped."""

    place: str
    stop: Callable[[], None]


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
