"""Where the server is, from what a user writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from otel_vector.errors import ConfigError

__all__ = ["Address"]

_GRPC_PORT: Final = 6334
_HTTP_PORT: Final = 6333


@dataclass(frozen=True, slots=True)
class Address:
    """A server's gRPC address.

    Attributes:
        target: host:port.
        secure: whether it is asked over TLS.
    """

    target: str
    secure: bool

    @classmethod
    def of(cls, url: str) -> Address:
        """Read a URL; without a port it is 6334.

        Raises:
            ConfigError: it is none, or names the port of the HTTP API.
        """
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port or _GRPC_PORT
        except ValueError:
            port = 0
        if parts.scheme not in {"http", "https"} or not parts.hostname or not port:
            raise ConfigError(f"store.url: {url!r} is no URL of a server; write http://host:6334")
        if parts.username or parts.password:
            raise ConfigError("store.url: leave the key out of the URL; set store.api_key")
        if port == _HTTP_PORT:
            raise ConfigError(
                f"store.url: {_HTTP_PORT} is the port of the HTTP API; use the gRPC port, as a"
                f" rule {parts.scheme}://{parts.hostname}:{_GRPC_PORT}"
            )
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return cls(f"{host}:{port}", parts.scheme == "https")
