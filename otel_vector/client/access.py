"""Which collector is asked, by whom, and how patiently; from keywords and from the settings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self, TypedDict
from urllib.parse import urlsplit

from otel_vector.errors import ConfigError
from otel_vector.settings.config import ClientConfig

__all__ = ["DEFAULT_URL", "Access", "AccessFields", "Destination", "Place", "destined"]

DEFAULT_URL: Final = "http://127.0.0.1:8317"
_SOCKET: Final = "unix:"


class AccessFields(TypedDict, total=False):
    """The fields of an `Access` as keywords, each over what the settings say."""

    api_key: str
    tenant: str
    ca: str
    cert: str
    key: str


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks, and whom is believed.

    Attributes:
        api_key: sent with each request; empty where none is needed.
        tenant: one of the key's tenants; empty if it has only one.
        ca: PEM file of the authorities the server's certificate is held to; empty for those
            that this machine knows.
        cert: PEM file of a client certificate (mTLS).
        key: PEM file of that certificate's key.
    """

    api_key: str = field(default="", repr=False)
    tenant: str = ""
    ca: str = ""
    cert: str = ""
    key: str = ""

    @classmethod
    def of(cls, config: ClientConfig) -> Self:
        """Return what the settings say."""
        return cls(config.api_key, config.tenant, config.ca, config.cert, config.key)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a collector's API is.

    Attributes:
        url: what requests are addressed to.
        socket: the unix socket they go by; None for TCP.
    """

    url: str
    socket: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `http://host:port`, `https://host:port` or `unix:PATH`.

        Raises:
            ConfigError: it is none of them.
        """
        if text.startswith(_SOCKET):
            return cls("http://localhost", Path(text.removeprefix(_SOCKET)))
        try:
            parts = urlsplit(text)
            usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.query or parts.fragment:
            raise ConfigError("client.url is not http://host:port, https://host:port or unix:PATH")
        if "@" in parts.netloc:
            raise ConfigError("client.url holds a user name; a key goes in client.api_key")
        return cls(text)

    def __str__(self) -> str:
        """Name it as a person would."""
        return str(self.socket or self.url)


@dataclass(frozen=True, slots=True)
class Destination:
    """All that a connection is made of.

    Attributes:
        timeout_s: seconds to wait for an answer, or for the next part of it.
        retry_s: seconds within which a call that failed is tried again; 0 for never.
    """

    place: Place
    access: Access
    timeout_s: float
    retry_s: float


def destined(
    base_url: str | None, access: Access | None, timeout_s: float, retry_s: float, more: Any
) -> Destination:
    """Return a destination; whatever is not given is taken from the settings.

    Args:
        base_url: see `Place.parse`.
        access: who asks.
        timeout_s: see `Destination`.
        retry_s: see `Destination`.
        more: single fields of the access, over it.

    Raises:
        ConfigError: a setting is wrong.
    """
    if base_url is None or access is None:
        from otel_vector.settings.load import load

        config = load().settings.client
        base_url = base_url if base_url is not None else config.url or DEFAULT_URL
        access = access or Access.of(config)
    return Destination(Place.parse(base_url), replace(access, **more), timeout_s, retry_s)
