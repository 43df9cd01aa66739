"""`POST /v1/export`: everything that counts, read out as OTLP."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header
from starlette.responses import Response, StreamingResponse

from otel_vector.services.container import Services
from otel_vector.spans.ids import Tenant
from otel_vector_collector.api.access import caller
from otel_vector_collector.api.engine import services
from otel_vector_collector.api.formats import LINES, PROTOBUF, chosen, delimited, lines
from otel_vector_collector.api.schemas import ExportBody
from otel_vector_collector.api.threads import answered, streamed

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["export"])

_OFFERS: Final = (LINES, PROTOBUF)


@router.post(
    "/export",
    responses={
        200: {
            "content": {
                LINES: {"schema": {"type": "string", "description": "OTLP JSON lines"}},
                PROTOBUF: {"schema": {"type": "string", "format": "binary"}},
            }
        }
    },
)
async def export(
    body: ExportBody,
    ask: Annotated[Services, Depends(services)],
    tenant: Annotated[Tenant, Depends(caller)],
    accept: Annotated[str, Header(description="one of the media types of the answer")] = LINES,
) -> Response:
    """Stream matching spans or log records as OTLP, newest first.

    As JSON lines, or as protobuf messages after their length (four bytes, big-endian): the two
    forms that the Collector's file exporter writes.
    """
    media = chosen(accept, _OFFERS)
    messages = await answered(
        ask.exporting.messages, tenant, body.signal, body.restriction(), body.limit
    )
    chunks = lines(messages) if media == LINES else delimited(messages)
    return StreamingResponse(streamed(chunks), media_type=media)
