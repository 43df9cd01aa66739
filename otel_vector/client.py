"""Talks to a running collector over its HTTP API, by TCP or by a unix socket.

Answers are the API's JSON as it stands (docs/api.md gives the shapes); errors are those of
`otel_vector.errors`, whichever side of the wire raised them. A client is one connection pool:
use it in a `with`, from any thread.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self, cast
from urllib.parse import quote

import httpx
import orjson

from otel_vector import errors

__all__ = ["Access", "Client", "Json"]

Json = dict[str, Any]
_PROTOBUF: Final = "application/x-protobuf"
_LINES: Final = "application/x-ndjson"
_BY_STATUS: Final = MappingProxyType(
    {
        400: errors.InvalidInputError,
        401: errors.UnauthenticatedError,
        403: errors.AccessError,
        404: errors.NotFoundError,
        413: errors.TooLargeError,
        415: errors.UnsupportedMediaError,
        422: errors.InvalidInputError,
        429: errors.RetryableError,
        501: errors.UnsupportedError,
        503: errors.RetryableError,
        507: errors.StorageFullError,
    }
)


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


class Client:
    """One collector's API.

    Args:
        base_url: `http://host:port` or `https://host:port`.
        access: the key, the tenant and the certificates.
        timeout_s: seconds to wait for an answer, or for the next part of a streamed one.
        transport: how requests travel; TCP unless given.

    Raises:
        ConfigError: the key or a certificate file cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        access: Access | None = None,
        timeout_s: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.base_url = base_url
        self._where = f"at {base_url}"
        access = access or Access()
        self._http = httpx.Client(
            base_url=base_url,
            timeout=timeout_s,
            headers=_headers(access),
            transport=transport,
            verify=_trust(access) if base_url.startswith("https:") else True,
            trust_env=False,
        )

    @classmethod
    def over_socket(cls, path: Path, *, access: Access | None = None) -> Self:
        """Return a client of the API on a unix socket."""
        transport = httpx.HTTPTransport(uds=str(path))
        client = cls("http://localhost", access=access, transport=transport)
        client._where = f"at {path}"
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def search(self, question: Mapping[str, Any]) -> Json:
        """Answer one question; the body of `POST /v1/search`."""
        return self._post("/v1/search", question)

    def similar(self, question: Mapping[str, Any]) -> Json:
        """Return what is similar to a span, a meaning or a text; body of `POST /v1/similar`."""
        return self._post("/v1/similar", question)

    def trace(self, trace_id: str) -> Json:
        """Return one trace: its spans and log records.

        Raises:
            NotFoundError: nothing is stored of it.
        """
        return self._get(f"/v1/traces/{_part(trace_id)}")

    def trace_otlp(self, trace_id: str) -> bytes:
        """Return one trace as a serialised OTLP TracesData."""
        return self._send("GET", f"/v1/traces/{_part(trace_id)}", accept=_PROTOBUF).content

    def span(self, point_id: str) -> Json:
        """Return one stored span by its content id (32 hex digits)."""
        return self._get(f"/v1/spans/{_part(point_id)}")

    def spans(self, trace_id: str, span_id: str) -> Json:
        """Return the spans that carry one span id: one, or several that differ."""
        return self._get(f"/v1/traces/{_part(trace_id)}/spans/{_part(span_id)}")

    def meaning(self, meaning_id: str) -> Json:
        """Return one meaning (16 hex digits)."""
        return self._get(f"/v1/meanings/{_part(meaning_id)}")

    def meaning_spans(self, meaning_id: str, **page: Any) -> Json:
        """Return a page of the spans that point at a meaning."""
        return self._get(f"/v1/meanings/{_part(meaning_id)}/spans", page)

    def services(self, **within: Any) -> Json:
        """Return the services."""
        return self._get("/v1/services", within)

    def operations(self, **within: Any) -> Json:
        """Return the operations, of one `service` if given."""
        return self._get("/v1/operations", within)

    def attributes(self, **within: Any) -> Json:
        """Return the attribute keys."""
        return self._get("/v1/attributes", within)

    def attribute_values(self, key: str, **within: Any) -> Json:
        """Return the values of one attribute."""
        return self._get(f"/v1/attributes/{_part(key)}/values", within)

    def delete(self, body: Mapping[str, Any]) -> Json:
        """Delete for good, or count what would be; the body of `DELETE /v1/spans`.

        Waits for the answer however long it takes.
        """
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        content = orjson.dumps(_given(body))
        with self._stream("DELETE", "/v1/spans", content=content, headers=headers) as answer:
            return cast("Json", orjson.loads(answer.read()))

    def stats(self) -> Json:
        """Return what is stored and what waits."""
        return self._get("/v1/stats")

    def ready(self) -> Json:
        """Return the state of each part, whether or not all is well."""
        return cast("Json", orjson.loads(self._http_send("GET", "/ready").content))

    def events(self, **within: Any) -> Iterator[Json]:
        """Yield what is stored from now on, until the caller stops or the collector does."""
        stream = {"Accept": "text/event-stream"}
        with self._stream("GET", "/v1/events", params=_given(within), headers=stream) as answer:
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    yield orjson.loads(line[5:])

    def export(self, body: Mapping[str, Any], *, protobuf: bool = False) -> Iterator[bytes]:
        """Yield what is stored as the Collector's file exporter writes it, part by part.

        Args:
            body: of `POST /v1/export`: `signal`, `filter`, `since`, `until`, `runs`, `limit`.
            protobuf: messages after their length in four bytes, instead of JSON by line.
        """
        headers = {
            "Accept": _PROTOBUF if protobuf else _LINES,
            "Content-Type": "application/json",
        }
        content = orjson.dumps(_given(body))
        with self._stream("POST", "/v1/export", content=content, headers=headers) as answer:
            yield from answer.iter_bytes()

    def collections(self) -> Json:
        """Return the collections of records."""
        return self._get("/v1/records")

    def put_record(self, collection: str, record: Mapping[str, Any]) -> Json:
        """Store one record: `key`, `body` and `texts`; return its version and status."""
        return self._post(f"/v1/records/{_part(collection)}", record)

    def put_records(
        self, collection: str, records: Iterable[Mapping[str, Any] | bytes]
    ) -> Iterator[Json]:
        """Store any number of records; yield what became of each, in order.

        Args:
            collection: where; comes into being with its first record.
            records: as for `put_record`, or lines of JSON as they stand; read as they are sent.
        """
        lines = (_line(record) for record in records)
        path, media = f"/v1/records/{_part(collection)}", {"Content-Type": _LINES}
        with self._stream("POST", path, content=lines, headers=media) as answer:
            for line in answer.iter_lines():
                yield orjson.loads(line)

    def records(self, collection: str, **page: Any) -> Json:
        """Return a page of a collection, by `limit` and `cursor`."""
        return self._get(f"/v1/records/{_part(collection)}", page)

    def record(self, collection: str, key: str, version: int | None = None) -> Json:
        """Return a record with its texts: the active version if none is named.

        Raises:
            NotFoundError: there is none.
        """
        path = f"/v1/records/{_part(collection)}/{_part(key)}"
        return self._get(path, {"version": version})

    def record_versions(self, collection: str, key: str) -> Json:
        """Return every version of a record, the latest first."""
        return self._get(f"/v1/records/{_part(collection)}/{_part(key)}/versions")

    def delete_record(self, collection: str, key: str) -> None:
        """Delete a record with all its versions.

        Raises:
            NotFoundError: there is none.
        """
        self._send("DELETE", f"/v1/records/{_part(collection)}/{_part(key)}")

    def _get(self, path: str, params: Mapping[str, Any] | None = None) -> Json:
        return cast("Json", orjson.loads(self._send("GET", path, params=params).content))

    def _post(self, path: str, body: Mapping[str, Any]) -> Json:
        return cast("Json", orjson.loads(self._send("POST", path, body=body).content))

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        accept: str = "application/json",
    ) -> httpx.Response:
        content = None if body is None else orjson.dumps(_given(body))
        headers = {"Accept": accept, "Content-Type": "application/json"}
        answer = self._http_send(
            method, path, params=_given(params or {}), content=content, headers=headers
        )
        _raise_for(answer)
        return answer

    def _http_send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    @contextmanager
    def _stream(self, method: str, path: str, **request: Any) -> Iterator[httpx.Response]:
        """Open an answer that is read as it comes; between its parts any time may pass."""
        unbounded = httpx.Timeout(self._http.timeout.connect, read=None)
        try:
            with self._http.stream(method, path, timeout=unbounded, **request) as answer:
                if answer.is_error:
                    answer.read()
                _raise_for(answer)
                yield answer
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx.TransportError) -> errors.OtelVectorError:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return errors.ConfigError(
                f"the certificate of {self.base_url} is not trusted here ({error}); name its "
                "authority in client.ca, and ask for the name that the certificate is for"
            )
        what = (
            "gives no answer in time"
            if isinstance(error, httpx.TimeoutException)
            else f"cannot be reached ({error}); see that it runs, and check the address"
        )
        return errors.RetryableError(f"the collector {self._where} {what}")


def _headers(access: Access) -> dict[str, str]:
    headers = {}
    if access.api_key:
        if not (access.api_key.isascii() and access.api_key.isprintable()):
            raise errors.ConfigError(
                "client.api_key is no API key; keys look like ov_<id>_<secret>"
            )
        headers["Authorization"] = f"Bearer {access.api_key}"
    if access.tenant:
        headers["X-Tenant"] = access.tenant
    return headers


def _trust(access: Access) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=access.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if access.cert:
            context.load_cert_chain(access.cert, access.key or None)
    except OSError as error:  # an SSLError is one
        files = ", ".join(filter(None, (access.ca, access.cert, access.key)))
        raise errors.ConfigError(
            f"client.ca, client.cert and client.key ({files}) cannot be used: {error}"
        ) from error
    return context


def _part(text: str) -> str:
    return quote(text, safe="")


def _line(record: Mapping[str, Any] | bytes) -> bytes:
    line = record if isinstance(record, bytes) else orjson.dumps(record)
    return line if line.endswith(b"\n") else line + b"\n"


def _given(values: Mapping[str, Any]) -> Json:
    return {name: value for name, value in values.items() if value is not None}


def _raise_for(answer: httpx.Response) -> None:
    """Raise the error that a problem document (RFC 9457) stands for."""
    if not answer.is_error:
        return
    problem = _problem(answer)
    text = str(problem.get("detail") or problem.get("title") or answer.reason_phrase)
    raise _error_type(str(problem.get("type", "")), answer.status_code)(text)


def _problem(answer: httpx.Response) -> Json:
    try:
        found = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return {"detail": f"status {answer.status_code}: {answer.text[:200]}"}
    return found if isinstance(found, dict) else {"detail": str(found)[:200]}


def _error_type(problem_type: str, status: int) -> type[errors.OtelVectorError]:
    """Return the class that a problem's type names, else the one of its status."""
    slug = problem_type.replace(":", "/").replace("#", "/").rstrip("/").rpartition("/")[2]
    name = "".join(word.capitalize() for word in slug.split("-")).removesuffix("Error") + "Error"
    if name in errors.__all__:
        return cast("type[errors.OtelVectorError]", getattr(errors, name))
    fallback = errors.RetryableError if status >= 500 else errors.InvalidInputError  # noqa: PLR2004
    return _BY_STATUS.get(status, fallback)
