"""What stands before every route: whom a request was meant for, how large it is, how long it took.

Plain ASGI: nothing is buffered and streams pass through.
"""

from __future__ import annotations

from time import perf_counter
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_vector.telemetry import Telemetry
from otel_vector_collector.api.lines import LINE_MEDIA
from otel_vector_collector.api.problems import FORBIDDEN, MISDIRECTED, fault, problem, too_large
from otel_vector_collector.receive.addresses import is_foreign, is_loopback

__all__ = ["MAX_BODY_BYTES", "BodyLimit", "Faults", "LoopbackHosts", "Timing"]

MAX_BODY_BYTES: Final = 1 << 20
_BY_LINES: Final = "/v1/records/"


class LoopbackHosts:
    """Refuses requests to another name than this machine's own, and those of foreign pages.

    A page of a hostile site can have its own name resolve to 127.0.0.1 and so read what listens
    here (DNS rebinding); its requests carry that name. It can also have a browser ask here by
    the right name: it is not given the answer, but the question costs.
    """

    def __init__(self, app: ASGIApp, also: str = "") -> None:
        self._app = app
        self._also = also.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        refusal = self._refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, headers: Headers) -> Response | None:
        hosts, origin = headers.getlist("host") or [""], headers.get("origin")
        if not all(is_loopback(host) or self._is_ours(host) for host in hosts):
            return problem(
                MISDIRECTED,
                "misdirected-request",
                "the API listens on loopback and answers requests to localhost, 127.0.0.1 and "
                "[::1] only: ask it by one of these names",
            )
        if origin is None or self._is_ours(origin.partition("://")[2]) or not is_foreign(origin):
            return None
        return problem(FORBIDDEN, "foreign-origin", "pages of other sites are not answered")

    def _is_ours(self, host: str) -> bool:
        return bool(self._also) and host.lower().partition(":")[0] == self._also


class BodyLimit:
    """Refuses bodies over a limit, whether announced or found while reading."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting what is read of it."""
        if scope["type"] != "http" or _comes_in_lines(scope):
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._max_bytes:
            await self._refuse(scope, receive, send)
            return
        await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        read = 0

        async def counting() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_bytes:
                raise too_large(self._max_bytes)
            return message

        await self._app(scope, counting, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = too_large(self._max_bytes)
        refusal = problem(error.status_code, "too-large", error.detail)
        await refusal(scope, receive, send)


def _comes_in_lines(scope: Scope) -> bool:
    """Return whether a body is read line by line and never held as a whole."""
    media = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    return media in LINE_MEDIA and str(scope["path"]).startswith(_BY_LINES)


class Faults:
    """Answers what no handler expected, so that one request's fault stays its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; answer for it if it fails before its answer began."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            await fault(f"{scope['method']} {scope['path']}", error)(scope, receive, send)


class Timing:
    """Observes how long each route takes, by its template and status."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._seconds = telemetry.histogram(
            "otel_vector_api_request_seconds",
            "time until an answer of the API ended",
            ("route", "status"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and observe it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), "500"

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._seconds.observe(perf_counter() - started, route, status)
