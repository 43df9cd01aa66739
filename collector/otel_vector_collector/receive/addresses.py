"""Where the doors listen: parsed, checked, and bound so that several processes can share it."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from otel_vector.errors import ConfigError

__all__ = [
    "Address",
    "bind_shared",
    "close_all",
    "is_foreign",
    "is_loopback",
    "require_free",
]

_BACKLOG = 2048
_MAX_PORT = 65535
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]]*))(?::[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port; port 0 picks a free one.

    Attributes:
        host: a name or an IP address, without brackets.
        port: the TCP port.
        setting: the setting it comes from, for messages.
    """

    host: str
    port: int
    setting: str

    @classmethod
    def parse(cls, text: str, setting: str) -> Address:
        """Return the address of `host:port` or `[ipv6]:port`.

        Raises:
            ConfigError: it is neither.
        """
        host, colon, port = text.strip().rpartition(":")
        if not colon or not port.isascii() or not port.isdecimal() or int(port) > _MAX_PORT:
            raise ConfigError(f"{setting} = {text!r} is not host:port")
        return cls(host.removeprefix("[").removesuffix("]") or "0.0.0.0", int(port), setting)  # noqa: S104 -- refused below unless allowed

    def with_port(self, port: int) -> Address:
        """Return the same host with another port."""
        return Address(self.host, port, self.setting)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def resolved(self) -> list[tuple[socket.AddressFamily, str]]:
        """Return the families and IP addresses of the host.

        Raises:
            ConfigError: the host has none.
        """
        try:
            found = socket.getaddrinfo(
                self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
        except OSError as error:
            raise ConfigError(
                f"{self.setting} = {self}: the host is not known: {error}"
            ) from error
        return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))

    def is_loopback(self) -> bool:
        """Return whether only this machine can reach the address.

        Raises:
            ConfigError: the host is not known.
        """
        found = [ip.partition("%")[0] for _, ip in self.resolved()]
        return all(ipaddress.ip_address(ip).is_loopback for ip in found)


def is_loopback(host: str) -> bool:
    """Return whether a host, with or without a port, names this machine to itself only."""
    name = host.lower()
    bracketed = _HOST.fullmatch(name)
    if bracketed is not None:
        name = bracketed[1] or bracketed[2]
    if name.rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_foreign(origin: str) -> bool:
    """Return whether an Origin header names a web page that is not of this machine.

    Browsers send it with whatever a page posts; SDKs and Collectors send none.
    """
    return not is_loopback(origin.partition("://")[2])


def require_free(address: Address) -> None:
    """Refuse a port that somebody listens on, even one who would share it.

    Raises:
        ConfigError: the port is taken, or may not be bound.
    """
    if address.port:
        close_all(_bind(address, share=False))


def bind_shared(address: Address) -> list[socket.socket]:
    """Return listening sockets on all of the host's IP addresses, on one port.

    Raises:
        ConfigError: the port is taken, or may not be bound.
    """
    sockets = _bind(address, share=True)
    for bound in sockets:
        bound.listen(_BACKLOG)
        bound.setblocking(False)
    return sockets


def close_all(sockets: Iterable[socket.socket]) -> None:
    """Close sockets."""
    for bound in sockets:
        bound.close()


def _bind(address: Address, *, share: bool) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    port = address.port
    try:
        for family, ip in address.resolved():
            bound = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(bound)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if share:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind((ip, port))
            port = bound.getsockname()[1]
    except OSError as error:
        close_all(sockets)
        raise ConfigError(
            f"{address.setting} = {address}: port {address.port} cannot be used: "
            f"{error.strerror}; choose another or stop who has it"
        ) from error
    return sockets
