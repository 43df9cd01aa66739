"""Refusals in the form of the tool that asks: routes of other tools' APIs have forms of their own.

A request is refused in several places, before its route is known: without a key, over a rate, at
a path that is none. There it is told as a problem document; on its way out, here, it becomes what
the tool reads. Status and headers stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_vector_collector.api.problems import PROBLEM

__all__ = ["Form", "Forms", "Rewritten", "ToolRouter"]

Form = Callable[[str, int, str], tuple[bytes, str]]
"""Takes path, status and sentence; returns a body and its media type."""

_TYPE: Final = "content-type"


class ToolRouter(APIRouter):
    """Routes of another tool's API, which are no part of our own schema.

    Args:
        prefix: path that they stand below.
        form: what a refusal is told in.
    """

    def __init__(self, prefix: str, form: Form) -> None:
        super().__init__(prefix=prefix, include_in_schema=False)
        self.form = form


class Forms:
    """Puts refusals below the prefixes of tools into their forms."""

    def __init__(self, app: ASGIApp, routers: Sequence[APIRouter]) -> None:
        self._app = app
        self._forms: Mapping[str, Form] = {
            f"{router.prefix}/": router.form
            for router in routers
            if isinstance(router, ToolRouter)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; rewrite its answer if that is a problem document."""
        path = str(scope.get("path", ""))
        form = next((f for prefix, f in self._forms.items() if path.startswith(prefix)), None)
        if scope["type"] == "http" and form is not None:
            send = Rewritten(send, path, form).send
        await self._app(scope, receive, send)


class Rewritten:
    """The way out of one answer, on which a problem document is told in another form."""

    def __init__(self, send: Send, path: str, form: Form) -> None:
        self._send = send
        self._path = path
        self._form = form
        self._held: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Send a part; a problem document is held until it is whole."""
        if message["type"] == "http.response.start" and _is_problem(message):
            self._held = message
        elif self._held is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._tell(self._held, orjson.loads(self._body))

    async def _tell(self, start: Message, document: Mapping[str, Any]) -> None:
        body, media = self._form(self._path, start["status"], document["detail"])
        headers = MutableHeaders(raw=list(start["headers"]))
        headers[_TYPE] = media
        headers["content-length"] = str(len(body))
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def _is_problem(start: Message) -> bool:
    headers = MutableHeaders(raw=list(start["headers"]))
    return headers.get(_TYPE, "").startswith(PROBLEM)
