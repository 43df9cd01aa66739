"""TLS of the doors and the API: certificates from files, taken up anew when the files change.

Files are looked at when a connection begins, at most once a second. What cannot be used, because
it is broken or half written, is told in the log once, and the certificate of before stays.

gRPC asks for its certificates by itself. Web servers hold one context for good: theirs hands
each connection, before its handshake goes on, to the context of the newest files.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc

from otel_vector.errors import ConfigError
from otel_vector.settings.config import TlsConfig

__all__ = ["Certificates", "certificates_of"]

_LOG = logging.getLogger(__name__)
_LOOK_S: Final = 1.0
_BEGIN_CERT: Final = b"-----BEGIN CERTIFICATE-----"
_BEGIN_KEY: Final = b"PRIVATE KEY-----"
_ENCRYPTED: Final = (b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")

_Signature = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The files as they were read, and a context made of them."""

    signature: _Signature
    cert: bytes
    key: bytes
    client_ca: bytes
    context: ssl.SSLContext


class Certificates:
    """The certificate files of one process, from any thread.

    Raises:
        ConfigError: a file is missing, unreadable, or not what its setting says.
    """

    def __init__(self, config: TlsConfig) -> None:
        _check(config)
        self._config = config
        self._lock = threading.Lock()
        self._loaded = _load(config)
        self._looked_s = time.monotonic()
        self._refused = ""

    def context(self) -> ssl.SSLContext:
        """Return the context of a web server; its connections get the newest certificate."""
        outer = _load(self._config).context

        def newest(connection: ssl.SSLObject, _name: str | None, _outer: ssl.SSLContext) -> None:
            connection.context = self._newest().context

        outer.sni_callback = newest
        return outer

    def grpc_credentials(self) -> Any:
        """Return the credentials of a gRPC server, which look for changes by themselves."""
        given = self._newest()

        def fetched() -> Any:
            nonlocal given
            found = self._newest()
            if found is given:
                return None
            given = found
            return _grpc_configuration(found)

        return grpc.dynamic_ssl_server_credentials(
            _grpc_configuration(given),
            fetched,
            require_client_authentication=bool(self._config.client_ca),
        )

    def leaf_pem(self) -> str:
        """Return the certificate that is shown now, without those above it."""
        text = self._newest().cert.decode("ascii", "replace")
        end = "-----END CERTIFICATE-----"
        return text[text.index(_BEGIN_CERT.decode()) :].partition(end)[0] + end + "\n"

    def _newest(self) -> _Loaded:
        with self._lock:
            now_s = time.monotonic()
            if now_s - self._looked_s >= _LOOK_S:
                self._looked_s = now_s
                self._look()
            return self._loaded

    def _look(self) -> None:
        try:
            if _signature(self._config) == self._loaded.signature:
                return
            self._loaded = _load(self._config)
        except ConfigError as error:
            if str(error) != self._refused:
                _LOG.error("the new certificate is not used, the one of before is: %s", error)
            self._refused = str(error)
        else:
            self._refused = ""
            _LOG.info("took up the changed certificate in %s", self._config.cert)


def certificates_of(config: TlsConfig) -> Certificates | None:
    """Return the certificates that are set, None where TLS is not.

    Raises:
        ConfigError: the settings or their files cannot be used.
    """
    return Certificates(config) if config.cert or config.key or config.client_ca else None


def _check(config: TlsConfig) -> None:
    if not config.cert or not config.key:
        missing = "tls.key" if config.cert else "tls.cert"
        raise ConfigError(f"TLS takes tls.cert and tls.key, and {missing} is not set")


def _paths(config: TlsConfig) -> dict[str, Path]:
    named = {"tls.cert": config.cert, "tls.key": config.key, "tls.client_ca": config.client_ca}
    return {name: Path(text).expanduser() for name, text in named.items() if text}


def _signature(config: TlsConfig) -> _Signature:
    """Return what changes when a file is written or another one takes its place."""
    found = []
    for name, path in _paths(config).items():
        try:
            stat = path.stat()
        except OSError as error:
            raise _unreadable(name, path, error) from error
        found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(found)


def _load(config: TlsConfig) -> _Loaded:
    signature, paths = _signature(config), _paths(config)
    contents = {name: _content(name, path) for name, path in paths.items()}
    context = _context(paths)
    if _signature(config) != signature:
        raise ConfigError("the files of tls.cert and tls.key are being written; wait a moment")
    return _Loaded(
        signature,
        contents["tls.cert"],
        contents["tls.key"],
        contents.get("tls.client_ca", b""),
        context,
    )


def _content(name: str, path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(name, path, error) from error
    if (_BEGIN_KEY if name == "tls.key" else _BEGIN_CERT) not in content:
        what = "key" if name == "tls.key" else "certificate"
        raise ConfigError(f"{name} = {path} holds no {what} in PEM form; give it a file that does")
    if name == "tls.key" and any(mark in content for mark in _ENCRYPTED):
        raise ConfigError(f"{name} = {path} has a passphrase; give it a key without, mode 0600")
    return content


def _context(paths: dict[str, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    cert, key, client_ca = paths["tls.cert"], paths["tls.key"], paths.get("tls.client_ca")
    try:
        context.load_cert_chain(cert, key)
    except ssl.SSLError as error:
        raise _unusable(cert, key, error) from error
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except ssl.SSLError as error:
            raise ConfigError(
                f"tls.client_ca = {client_ca} cannot be used: {error.reason}"
            ) from error
        context.verify_mode = ssl.CERT_REQUIRED
        # A resumed session is not asked for its certificate again.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
    return context


def _unusable(cert: Path, key: Path, error: ssl.SSLError) -> ConfigError:
    if error.reason == "KEY_VALUES_MISMATCH":
        return ConfigError(
            f"tls.key = {key} is not the key of the certificate in tls.cert = {cert}; the two "
            "have to be made together"
        )
    return ConfigError(
        f"tls.cert = {cert} with tls.key = {key} cannot be used: {error.reason or error}"
    )


def _unreadable(name: str, path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{name} = {path} cannot be read: {error.strerror}")


def _grpc_configuration(loaded: _Loaded) -> Any:
    return grpc.ssl_server_certificate_configuration(
        [(loaded.key, loaded.cert)], loaded.client_ca or None
    )
