"""The addresses of a serving process: checked before anything starts, with what to do about it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from otel_vector.errors import ConfigError
from otel_vector.settings.config import ServeConfig
from otel_vector.settings.schema import entries
from otel_vector_collector.receive.addresses import (
    Address,
    bind_shared,
    require_free,
)
from otel_vector_collector.receive.gate import Gate

__all__ = ["addresses", "api_listeners", "check_ports"]

_SETTINGS = ("serve.otlp_grpc", "serve.otlp_http", "serve.jaeger_grpc", "serve.api")


def addresses(config: ServeConfig) -> Iterator[Address]:
    """Yield the addresses that are to be served; a closed door has none."""
    for setting in _SETTINGS:
        text = getattr(config, setting.partition(".")[2])
        if text:
            yield Address.parse(text, setting)


def check_ports(config: ServeConfig, gate: Gate) -> None:
    """Refuse addresses that cannot be served.

    Raises:
        ConfigError: one is open to other machines without keys, taken, or the same as another.
    """
    seen: dict[tuple[str, int], str] = {}
    for address in addresses(config):
        gate.guard(address)
        try:
            require_free(address)
        except ConfigError as error:
            flag = entries()[address.setting].flag
            raise ConfigError(f"{error}: {flag} HOST:PORT, port 0 takes a free one") from error
        place = (address.host, address.port)
        if address.port and seen.setdefault(place, address.setting) != address.setting:
            raise ConfigError(f"{seen[place]} and {address.setting} are both {address}")


def api_listeners(config: ServeConfig) -> tuple[Address, list[socket.socket]]:
    """Return the API's address, its port filled in, and the sockets that listen there.

    Raises:
        ConfigError: it cannot be bound.
    """
    address = Address.parse(config.api, "serve.api")
    listeners = bind_shared(address)
    return address.with_port(listeners[0].getsockname()[1]), listeners
