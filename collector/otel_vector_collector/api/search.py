"""`POST /v1/search` and `POST /v1/similar`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from otel_vector.services.container import Services
from otel_vector.services.shapes import answer_json
from otel_vector.spans.ids import Tenant
from otel_vector_collector.api.access import caller
from otel_vector_collector.api.answer_shapes import GroupedAnswer, ListedAnswer
from otel_vector_collector.api.engine import services
from otel_vector_collector.api.formats import json_response
from otel_vector_collector.api.schemas import SearchBody, SimilarBody
from otel_vector_collector.api.threads import answered

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["search"])


@router.post("/search", responses={200: {"model": GroupedAnswer | ListedAnswer}})
async def search(
    body: SearchBody,
    ask: Annotated[Services, Depends(services)],
    tenant: Annotated[Tenant, Depends(caller)],
) -> Response:
    """Find spans by meaning, by filter, or by both; without words, list them newest first."""
    answer = await answered(ask.search.answer, tenant, body.question())
    return json_response(answer_json(answer))


@router.post("/similar", responses={200: {"model": GroupedAnswer}})
async def similar(
    body: SimilarBody,
    ask: Annotated[Services, Depends(services)],
    tenant: Annotated[Tenant, Depends(caller)],
) -> Response:
    """Find what is similar to a span, a meaning or a text."""
    answer = await answered(ask.similar.answer, tenant, body.question())
    return json_response(answer_json(answer))
