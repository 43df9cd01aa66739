"""Where an exporter sends to, read from its settings and checked before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from otel_vector.errors import ConfigError
from otel_vector.settings.config import ClientConfig, Settings

__all__ = ["Target", "target_of"]

_PORTS: Final = {"grpc": 4317, "http/protobuf": 4318}
_TLS_PORT: Final = 443


@dataclass(frozen=True, slots=True)
class Target:
    """A collector's door and what is shown there.

    Attributes:
        url: scheme, host, port and path, without a slash at its end.
        host: name or address, without brackets.
        port: number of the port.
        protocol: `grpc` or `http/protobuf`.
        gzip: whether requests are compressed.
        timeout_s: seconds for one request.
        headers: of each request, names in lower case; they hold the key.
        is_tls: whether TLS is spoken.
        ca, cert, key: PEM files, empty for none.
    """

    url: str
    host: str
    port: int
    protocol: str
    gzip: bool
    timeout_s: float
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    is_tls: bool
    ca: str
    cert: str
    key: str = field(repr=False)

    @property
    def address(self) -> str:
        """The host and port as gRPC reads them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def shows_key(self) -> bool:
        """Whether a key travels where others on the network can read it."""
        has_key = any(name == "authorization" for name, _ in self.headers)
        return has_key and not self.is_tls and not _is_loopback(self.host)

    def digest(self) -> str:
        """Return the name of what waits for this collector and tenant, 32 hex digits.

        Where no tenant is named the key tells whose it is, so that nothing goes to another's.
        Where one is named, another key of the same tenant sends what waits.
        """
        headers = dict(self.headers)
        whose = headers.get("x-tenant") or headers.get("authorization", "")
        said = repr((self.protocol, self.url, "x-tenant" in headers, whose))
        return blake2b(said.encode(), digest_size=16, person=b"ov-destination").hexdigest()


def target_of(settings: Settings) -> Target:
    """Return the collector that the settings name.

    Raises:
        ConfigError: the endpoint cannot be read, or a file of `client` is not there.
    """
    exporter, client = settings.exporter, settings.client
    parts = _parts(exporter.endpoint or f"http://127.0.0.1:{_PORTS[exporter.protocol]}")
    is_tls = parts.scheme == "https"
    host = parts.hostname or ""
    port = parts.port or (_TLS_PORT if is_tls else _PORTS[exporter.protocol])
    if exporter.protocol == "grpc" and parts.path.strip("/"):
        raise ConfigError(
            f"exporter.endpoint: {exporter.endpoint!r} has a path, which gRPC has not; leave it"
            " out, or set exporter.protocol to http/protobuf"
        )
    _check_files(client)
    shown = f"[{host}]" if ":" in host else host
    return Target(
        url=f"{parts.scheme}://{shown}:{port}{parts.path.rstrip('/')}",
        host=host,
        port=port,
        protocol=exporter.protocol,
        gzip=exporter.compression == "gzip",
        timeout_s=exporter.timeout_s,
        headers=_headers(client),
        is_tls=is_tls,
        ca=client.ca,
        cert=client.cert,
        key=client.key,
    )


def _parts(endpoint: str) -> SplitResult:
    try:
        parts = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
        _ = parts.port
    except ValueError as error:
        raise ConfigError(f"exporter.endpoint: {endpoint!r} is no address: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise ConfigError(
            f"exporter.endpoint: {endpoint!r} is not http(s)://host:port, like"
            " http://127.0.0.1:4317"
        )
    if parts.username is not None or parts.password is not None:
        raise ConfigError("exporter.endpoint: it holds a user's name; use the setting api_key")
    return parts


def _headers(client: ClientConfig) -> tuple[tuple[str, str], ...]:
    found = [("authorization", f"Bearer {client.api_key}")] if client.api_key else []
    if client.tenant:
        found.append(("x-tenant", client.tenant))
    for name, value in found:
        if not value.isascii() or not value.isprintable():
            setting = "client.tenant" if name == "x-tenant" else "client.api_key"
            raise ConfigError(f"{setting}: it holds a character that no header may; look at it")
    return tuple(found)


def _check_files(client: ClientConfig) -> None:
    for name in ("ca", "cert", "key"):
        path = getattr(client, name)
        if path:
            try:
                with Path(path).open("rb"):
                    pass
            except OSError as error:
                raise ConfigError(
                    f"client.{name}: {path} cannot be read: {error.strerror}"
                ) from error
    if bool(client.cert) != bool(client.key):
        raise ConfigError("client.cert and client.key belong together; set both or none")
    _check_pem(client)


def _check_pem(client: ClientConfig) -> None:
    if not client.ca and not client.cert:
        return
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    name = "ca"
    try:
        if client.ca:
            context.load_verify_locations(client.ca)
        name = "cert and client.key"
        if client.cert:
            context.load_cert_chain(client.cert, client.key)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(f"client.{name}: not PEM files that can be used: {error}") from error


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
