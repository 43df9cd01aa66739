"""Routes of the page: `/ask`, `/ask/trace/{trace_id}`, and the files that they load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import RedirectResponse, Response

from otel_vector.services.container import Services
from otel_vector.spans.ids import Tenant
from otel_vector_collector.api.access import caller
from otel_vector_collector.api.authentication import PAGE
from otel_vector_collector.api.engine import Serving, services
from otel_vector_collector.api.threads import answered
from otel_vector_collector.page.answers import Asking, answer
from otel_vector_collector.page.asked import asked_of
from otel_vector_collector.page.form import form_of
from otel_vector_collector.page.links import Links
from otel_vector_collector.page.templates import FILES, HTML, rendered
from otel_vector_collector.page.whole import Wanted, whole_trace

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

Ask = Annotated[Services, Depends(services)]
Whose = Annotated[Tenant, Depends(caller)]

_KEPT: Final = "max-age=86400, immutable"  # links to files change with their content


@router.get("/")
async def root() -> Response:
    return RedirectResponse(PAGE.removeprefix("/"))


@router.get(PAGE)
async def ask_page(request: Request, ask: Ask, tenant: Whose) -> Response:
    asked, links = asked_of(request.query_params), _links(request)

    def page() -> bytes:
        shown = answer(Asking(ask, tenant, asked, links))
        return rendered("ask.html", links=links, form=form_of(asked), asked=asked, **shown)

    return await _html(page)


@router.get(f"{PAGE}/trace/{{trace_id}}")
async def trace_page(
    request: Request,
    trace_id: str,
    ask: Ask,
    tenant: Whose,
    start: Annotated[int, Query(alias="from", ge=0)] = 0,
    span: str = "",
) -> Response:
    links = _links(request)

    def page() -> bytes:
        shown = whole_trace(ask.traces, tenant, Wanted(trace_id, start, span), links)
        return rendered("trace.html", links=links, form=form_of(asked_of({})), **shown)

    return await _html(page)


@router.get(f"{PAGE}/{{name}}")
async def file(name: str) -> Response:
    if name not in FILES:
        raise HTTPException(404, "there is no such page")
    content, media = FILES[name]
    return Response(content, media_type=media, headers={"Cache-Control": _KEPT})


def _links(request: Request) -> Links:
    settings = cast("Serving", request.app.state.engine).settings
    return Links.at(request.url.path, settings.serve.trace_link)


async def _html(page: Callable[[], bytes]) -> Response:
    """Answer in a thread, the making of the page included."""
    return Response(await answered(page), media_type=HTML)
