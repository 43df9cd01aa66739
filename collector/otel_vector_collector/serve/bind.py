"""Listening sockets for the API, and sentences for those that cannot be had."""

from __future__ import annotations

import errno
import ipaddress
import socket

from otel_vector.errors import ConfigError

__all__ = ["bound", "check_loopback", "host_and_port", "is_loopback"]

_BACKLOG = 2048


def host_and_port(address: str) -> tuple[str, int]:
    """Return the two parts of `host:port`; an IPv6 host loses its brackets."""
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches the host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_loopback(setting: str, address: str) -> None:
    """Refuse an address that other machines reach.

    Raises:
        ConfigError: without API keys nobody but this machine may be let in.
    """
    if not is_loopback(host_and_port(address)[0]):
        raise ConfigError(
            f"{setting} is {address}, which other machines can reach, and there are no API keys "
            "to tell who asks: use 127.0.0.1 or [::1], behind a proxy that authenticates"
        )


def bound(setting: str, flag: str, address: str) -> socket.socket:
    """Return a listening TCP socket; port 0 takes a free one.

    Raises:
        ConfigError: the port is taken, or the address is not one of this machine.
    """
    host, port = host_and_port(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(_refused(setting, flag, address, error)) from error
    return listener


def _refused(setting: str, flag: str, address: str, error: OSError) -> str:
    _, port = host_and_port(address)
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} ({setting}) is taken by another process: stop that one, or choose "
            f"another port with {flag} HOST:PORT (port 0 takes a free one)"
        )
    return f"{setting} cannot listen on {address}: {error.strerror or error}; choose with {flag}"
