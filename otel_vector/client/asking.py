"""What both clients have in common: how they are set up and what they show of themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self, Unpack

from otel_vector.client.access import Access, AccessFields, destined

__all__ = ["Asking"]


class Asking(ABC):
    """Knows which collector is asked.

    Whatever is not given is taken from the settings: environment, `.env`, `otel-vector.toml`.

    Args:
        base_url: `http://host:port`, `https://host:port` or `unix:PATH`; the setting
            `client.url`, else http://127.0.0.1:8317.
        access: the key, the tenant and the certificates.
        timeout_s: seconds to wait for an answer, or for the next part of it; events, exports
            and deletions are waited for however long they take.
        retry_s: seconds within which a call is tried again that failed for a reason that
            passes, if doing it twice does no harm; 0 for never.
        more: single fields of `access`, over it.

    Raises:
        ConfigError: a setting, the address, the key or a certificate file cannot be used.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        access: Access | None = None,
        timeout_s: float = 60.0,
        retry_s: float = 10.0,
        **more: Unpack[AccessFields],
    ) -> None:
        self._to = destined(base_url, access, timeout_s, retry_s, more)
        self._open()

    @abstractmethod
    def _open(self) -> None:
        """Make the connections, which differ from client to client."""

    @classmethod
    def over_socket(
        cls,
        path: Path,
        *,
        access: Access | None = None,
        timeout_s: float = 60.0,
        retry_s: float = 10.0,
    ) -> Self:
        """Return a client of the API on a unix socket, which asks no settings."""
        place = f"unix:{path}"
        return cls(place, access=access or Access(), timeout_s=timeout_s, retry_s=retry_s)

    @property
    def base_url(self) -> str:
        """The address that is asked."""
        return self._to.place.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._to.place)!r})"
