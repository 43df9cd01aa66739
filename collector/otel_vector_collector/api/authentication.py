"""Stands before every route: who asks, and whether they still may while the answer goes on.

A request is let in here or nowhere: what a route leaves undone is not open to strangers. Which
role a route demands, and for which tenant it answers, is `access`'s part.

People come by links, and a browser that follows one sends no key. At pages (`is_page`), and
nowhere else, it is told to ask for one (`Basic`), so that nothing that changes anything is ever
done on the strength of what a browser remembers.
"""

from __future__ import annotations

import logging
import time
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_vector.errors import (
    AccessError,
    InvalidInputError,
    OtelVectorError,
    RetryableError,
    UnauthenticatedError,
)
from otel_vector.keys.contract import Key, Role
from otel_vector_collector.api.problems import refusal
from otel_vector_collector.receive.gate import (
    OWNER,
    Gate,
    refuse_key_in_url,
    require,
    signed_in,
    text_sent,
)
from otel_vector_collector.receive.limits import Holding
from otel_vector_collector.receive.tenant import tenant_of

__all__ = ["HOLDER", "PAGE", "Authentication", "OwnersDoor", "is_page"]

HOLDER: Final = "otel_vector.key"
"""Where a request's scope has its key, None if none is needed; missing if nobody showed one."""

_OWNERS: Final = "otel_vector.owner"

_LOG = logging.getLogger(__name__)
PAGE: Final = "/ask"
"""Where the page for people is; what is below it belongs to it."""

_OPEN: Final = frozenset(
    {
        "/health",
        "/docs",
        "/docs/oauth2-redirect",
        "/openapi.json",
        f"{PAGE}/style.css",
        f"{PAGE}/icon.svg",
    }
)
_OPEN_BELOW: Final = "/static-offline-docs/"
_LENIENT: Final = frozenset({"/ready", "/metrics"})
"""Tell little or nothing to who shows no key, by their own decision."""
_AGAIN_S: Final = 1.0
_POLICY_VIOLATION: Final = 1008  # RFC 6455
_EVENTS: Final = b"text/event-stream"
_FOR_PROGRAMS: Final = "Bearer"
_FOR_PEOPLE: Final = 'Basic realm="otel-vector"'


def is_page(scope: Scope) -> bool:
    """Return whether a request asks for a page that is for people, not for programs."""
    path = str(scope["path"])
    return scope["method"] == "GET" and (path in {"/", PAGE} or path.startswith(f"{PAGE}/"))


class OwnersDoor:
    """Marks what comes in by a socket that only the owner of the data folder can open."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on as the owner's."""
        await self._app({**scope, _OWNERS: True}, receive, send)


class _EndedError(Exception):
    """The key went while an answer was being given; unwinds what gives it."""


class Authentication:
    """Lets requests in by their key, and ends answers whose key is no longer in force."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate
        self._holding = Holding()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its key in its scope, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        headers = Headers(scope=scope).items()
        try:
            refuse_key_in_url(scope["path"].encode("utf-8", "replace"))
            refuse_key_in_url(scope["query_string"])
            if is_page(scope) and _OWNERS not in scope and self._gate.demands_key():
                headers = self._typed(scope, headers)
            key = self._admit(scope, headers)
        except OtelVectorError as error:
            client = scope.get("client")
            told = await self._holding.held(error, str(client[0]) if client else "")
            challenge = _FOR_PEOPLE if is_page(scope) else _FOR_PROGRAMS
            await refusal(told, challenge)(scope, receive, send)
            return
        if key is not None:
            send = _Watched(send, self._gate, headers).send
        try:
            await self._app(scope, receive, send)
        except _EndedError:
            _LOG.info("ended an answer whose key is no longer in force: %s", scope["path"])

    def _typed(self, scope: Scope, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the headers of a page's request, with what a person typed as programs send it.

        A browser repeats what was typed until it is told that it was wrong. So what does not
        lead to spans, a key without the role or a tenant that is not the key's, is wrong, too.
        """
        sent = signed_in(headers)
        if sent == headers:
            return headers
        scope["headers"] = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in sent
        ]
        key = self._gate.key_of(sent)
        try:
            require(key, Role.READ)
            tenant_of(sent, key)
        except (AccessError, InvalidInputError) as error:
            raise UnauthenticatedError(str(error)) from error
        return sent

    def _admit(self, scope: Scope, headers: list[tuple[str, str]]) -> Key | None:
        """Put the key into the scope; return it if it can go while the answer is given."""
        path = scope["path"]
        if path in _OPEN or path.startswith(_OPEN_BELOW):
            return None
        if _OWNERS in scope:
            scope[HOLDER] = OWNER
            return None
        if path in _LENIENT and self._gate.demands_key() and text_sent(headers) is None:
            return None
        key = self._gate.key_of(headers)
        scope[HOLDER] = key
        return key


class _Watched:
    """The way out of one answer, closed once its key is no longer in force.

    Events simply end, and whoever follows them asks again and is refused. What has a length or
    an end that tells it is whole is broken off, so that nobody takes a part for all of it.
    """

    def __init__(self, send: Send, gate: Gate, headers: list[tuple[str, str]]) -> None:
        self._send = send
        self._gate = gate
        self._headers = headers
        self._again_at = time.monotonic() + _AGAIN_S
        self._is_events = False

    async def send(self, message: Message) -> None:
        """Send a part, unless the key went since it was last looked at."""
        if message["type"] == "http.response.start":
            self._is_events = any(value.startswith(_EVENTS) for _, value in message["headers"])
        elif message.get("more_body") and not self._still_in_force():
            if self._is_events:
                await self._send({"type": "http.response.body", "body": b""})
            raise _EndedError
        await self._send(message)

    def _still_in_force(self) -> bool:
        now = time.monotonic()
        if now < self._again_at:
            return True
        self._again_at = now + _AGAIN_S
        try:
            self._gate.key_of(self._headers)
        except RetryableError:
            return True
        except OtelVectorError:
            return False
        return True
