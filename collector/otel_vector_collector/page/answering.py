"""How pages are answered: refusals as pages, and what a browser may do with them.

It may run nothing, load only the style and the icon that are ours, send forms only here, show a
page in no other page's frame, keep no copy, and tell nobody where a link was followed from.

Other sites may link here, no more: what they have a browser load by itself, as an image or in a
frame, is refused before anything is asked. How long an answer takes would tell them about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_vector.keys.texts import is_key_like
from otel_vector_collector.api.authentication import is_page
from otel_vector_collector.api.forms import Form, Rewritten
from otel_vector_collector.api.problems import FORBIDDEN, problem
from otel_vector_collector.page.asked import asked_of
from otel_vector_collector.page.form import form_of
from otel_vector_collector.page.links import Links
from otel_vector_collector.page.routes import router
from otel_vector_collector.page.templates import HTML, rendered
from otel_vector_collector.receive.gate import unquoted

__all__ = ["with_page"]

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Content-Security-Policy": _POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
)

_REFUSED: Final = problem(
    FORBIDDEN, "foreign-origin", "other sites may link to this page, not load it into theirs"
)


def with_page(app: FastAPI) -> FastAPI:
    """Return an application (`api.app.create_app`) that answers at `/ask` as well."""
    app.include_router(router)
    app.add_middleware(_Pages)
    return app


class _Pages:
    """Stands before everything else, so that what is refused anywhere is told on a page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; dress the answer of one that asks for a page."""
        if scope["type"] == "http" and is_page(scope):
            send = Rewritten(_Dressed(send).send, scope["path"], _telling(scope)).send
            if _is_loaded_by_others(Headers(scope=scope)):
                await _REFUSED(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_loaded_by_others(headers: Headers) -> bool:
    """Return whether another site's page loads this into itself; browsers say so."""
    site, kind = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-dest", "document")
    return site not in {"none", "same-origin"} and kind != "document"


class _Dressed:
    """The way out of one page: adds what a browser may do with it."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def send(self, message: Message) -> None:
        """Send a part."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(_HEADERS)
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)


def _telling(scope: Scope) -> Form:
    """Return what tells a refusal as a page, with the form as it was filled in; no key in it."""

    def told(path: str, status: int, detail: str) -> tuple[bytes, str]:
        given = QueryParams(scope["query_string"]).items()
        asked = asked_of(
            {name: value for name, value in given if not is_key_like(unquoted(value))}
        )
        page = rendered(
            "problem.html",
            links=Links.at(path, ""),
            form=form_of(asked),
            status=status,
            title=HTTPStatus(status).phrase,
            detail=detail,
        )
        return page, HTML

    return told
