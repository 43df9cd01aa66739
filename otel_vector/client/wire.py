"""The way of a call to a collector and back, blocking: connections, tries, errors.

This and `async_wire` are where httpx is. Redirects are never followed and no proxy of the
environment is used, so that a key goes nowhere but to the address that was named.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import httpx

from otel_vector.client.access import Access, Destination, Place
from otel_vector.client.call import Call, Reader
from otel_vector.client.problems import Failure, RefusedError, reader_of
from otel_vector.client.retries import Tries
from otel_vector.errors import ConfigError, PermanentError, RetryableError

__all__ = ["Wire", "failure_of", "headers_of", "request_of", "trust_of"]

T = TypeVar("T")

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Wire:
    """Connections to one collector, for any thread.

    Raises:
        ConfigError: the key or a certificate file cannot be used.
    """

    def __init__(self, to: Destination) -> None:
        self._to = to
        socket = to.place.socket
        self._http = httpx.Client(
            base_url=to.place.url,
            timeout=to.timeout_s,
            headers=headers_of(to.access),
            transport=None if socket is None else httpx.HTTPTransport(uds=str(socket)),
            verify=trust_of(to),
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def each(self, call: Call[T]) -> Iterator[T]:
        """Yield the values of a call's answer as they come.

        Raises:
            OtelVectorError: there is no answer, or it is an error.
        """
        tries = Tries(call, self._to.retry_s)
        while True:
            try:
                with self._http.stream(**request_of(call, self._to)) as answer:
                    reader = reader_of(call, answer.status_code, answer.headers)
                    for value in _values(reader, answer.iter_bytes()):
                        tries.handed_out = True
                        yield value
                    return
            except (httpx.RequestError, RefusedError) as error:
                pause_s = tries.pause_after(failure_of(error, self._to.place))
            time.sleep(pause_s)


def _values(reader: Reader[T], parts: Iterable[bytes]) -> Iterator[T]:
    for part in parts:
        yield from reader.feed(part)
    yield from reader.end()


def request_of(call: Call[Any], to: Destination) -> dict[str, Any]:
    """Return a call as httpx takes it."""
    headers = {"Accept": call.accept}
    if call.body is not None:
        headers["Content-Type"] = call.media
    read_s = None if call.patient else to.timeout_s
    return {
        "method": call.method,
        "url": call.path,
        "params": dict(call.params),
        "content": call.body,
        "headers": headers,
        "timeout": httpx.Timeout(to.timeout_s, read=read_s),
    }


def failure_of(error: httpx.RequestError | RefusedError, place: Place) -> Failure:
    """Return what a failed try means, in words of ours."""
    if isinstance(error, RefusedError):
        return error.failure
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        distrust = ConfigError(
            f"the certificate of {place} is not trusted here ({error}); name its authority in "
            "client.ca, and ask for the name that the certificate is for"
        )
        return Failure(distrust, passing=False, sent=False, cause=error)
    if not isinstance(error, httpx.TransportError):
        garbled = PermanentError(f"what {place} answers cannot be read ({error})")
        return Failure(garbled, passing=False, cause=error)
    what = (
        "gives no answer in time"
        if isinstance(error, httpx.TimeoutException)
        else f"cannot be reached ({error}); see that it runs, and check the address"
    )
    away = RetryableError(f"the collector at {place} {what}")
    sent = not isinstance(error, _NEVER_SENT)
    return Failure(away, passing=True, sent=sent, cause=error)


def headers_of(access: Access) -> Mapping[str, str]:
    """Return the headers by which a caller is known.

    Raises:
        ConfigError: the key or the tenant cannot be sent.
    """
    headers = {}
    if access.api_key:
        if not (access.api_key.isascii() and access.api_key.isprintable()):
            raise ConfigError("client.api_key is no API key; keys look like ov_<id>_<secret>")
        headers["Authorization"] = f"Bearer {access.api_key}"
    if access.tenant:
        if not (access.tenant.isascii() and access.tenant.isprintable()):
            raise ConfigError("client.tenant is no tenant: a-z, 0-9, '_', '.', '-'")
        headers["X-Tenant"] = access.tenant
    return headers


def trust_of(to: Destination) -> ssl.SSLContext:
    """Return whom a connection believes, and the certificate it shows.

    Without TLS that is nobody: the authorities of this machine are many and take long to read.

    Raises:
        ConfigError: a file cannot be used.
    """
    if not to.place.url.startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    access = to.access
    try:
        context = ssl.create_default_context(cafile=access.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if access.cert:
            context.load_cert_chain(access.cert, access.key or None)
    except OSError as error:  # an SSLError is one
        files = ", ".join(filter(None, (access.ca, access.cert, access.key)))
        raise ConfigError(
            f"client.ca, client.cert and client.key ({files}) cannot be used: {error}"
        ) from error
    return context
