"""Traces and spans by their ids, as JSON, OTLP JSON or OTLP protobuf by Accept."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header
from starlette.responses import Response

from otel_vector.services.container import Services
from otel_vector.services.detail import detail_json
from otel_vector.services.shapes import trace_json
from otel_vector.spans.ids import Tenant
from otel_vector_collector.api.access import caller
from otel_vector_collector.api.engine import services
from otel_vector_collector.api.formats import (
    JSON,
    OTLP_JSON,
    PROTOBUF,
    chosen,
    json_response,
    otlp_response,
)
from otel_vector_collector.api.responses import (
    DetailAnswer,
    LogDetailAnswer,
    SpansAnswer,
    TraceAnswer,
)
from otel_vector_collector.api.threads import answered

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["traces"])

_OFFERS: Final = (JSON, OTLP_JSON, PROTOBUF)
_OTLP: Final[dict[str, Any]] = {
    OTLP_JSON: {"schema": {"type": "object", "description": "OTLP TracesData or LogsData"}},
    PROTOBUF: {"schema": {"type": "string", "format": "binary"}},
}

Accept = Annotated[str, Header(description="one of the media types of the answer")]
Ask = Annotated[Services, Depends(services)]
Caller = Annotated[Tenant, Depends(caller)]


@router.get("/traces/{trace_id}", responses={200: {"model": TraceAnswer, "content": _OTLP}})
async def trace(trace_id: str, ask: Ask, tenant: Caller, accept: Accept = JSON) -> Response:
    """Return a whole trace, of all run kinds.

    As JSON with its log records; as OTLP its spans, equal to what was stored.
    """
    media = chosen(accept, _OFFERS)
    found = await answered(ask.traces.trace, tenant, trace_id)
    if media == JSON:
        return json_response(trace_json(found))
    return otlp_response(media, [row.item for row in found.rows] or found.logs)


@router.get(
    "/spans/{point_id}",
    responses={200: {"model": DetailAnswer | LogDetailAnswer, "content": _OTLP}},
)
async def span(point_id: str, ask: Ask, tenant: Caller, accept: Accept = JSON) -> Response:
    """Return one span or log record, with everything it has, by its content id."""
    media = chosen(accept, _OFFERS)
    found = await answered(ask.traces.span, tenant, point_id)
    if media == JSON:
        return json_response(detail_json(found))
    return otlp_response(media, [found.item])


@router.get(
    "/traces/{trace_id}/spans/{span_id}",
    responses={200: {"model": SpansAnswer, "content": _OTLP}},
)
async def spans(
    trace_id: str, span_id: str, ask: Ask, tenant: Caller, accept: Accept = JSON
) -> Response:
    """Return every stored span that carries these ids: one, or several that differ."""
    media = chosen(accept, _OFFERS)
    found = await answered(ask.traces.spans, tenant, trace_id, span_id)
    if media == JSON:
        return json_response({"spans": [detail_json(one) for one in found]})
    return otlp_response(media, [one.item for one in found])
