"""The commonest meanings, meanings by id, and the spans that point at them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from otel_vector.services.commonest import CommonestQuestion, Sort
from otel_vector.services.container import Services
from otel_vector.services.search import Restriction
from otel_vector.services.shapes import answer_json, commonest_json, known_meaning_json
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Facet
from otel_vector_collector.api.access import caller
from otel_vector_collector.api.answer_shapes import ListedAnswer, MeaningsAnswer
from otel_vector_collector.api.engine import services
from otel_vector_collector.api.formats import json_response
from otel_vector_collector.api.parameters import Cursor, Limit, restriction
from otel_vector_collector.api.responses import MeaningAnswer
from otel_vector_collector.api.threads import answered

__all__ = ["router"]

router = APIRouter(prefix="/v1/meanings", tags=["meanings"])

Ask = Annotated[Services, Depends(services)]
Caller = Annotated[Tenant, Depends(caller)]
Within = Annotated[Restriction, Depends(restriction)]


async def _question(
    within: Within,
    facet: Annotated[Facet, Query(description="only meanings of this side")] = Facet.OPERATION,
    sort: Annotated[Sort, Query(description="those with most of it come first")] = Sort.SPANS,
    service: Annotated[str, Query(description="only spans of this service")] = "",
    limit: Annotated[int, Query(ge=1, description="meanings at most")] = 20,
    examples: Annotated[int, Query(ge=0, description="spans shown with each meaning")] = 1,
) -> CommonestQuestion:
    """Return which meanings are asked for, and in what order."""
    return CommonestQuestion(facet, sort, within, service, limit, examples)


@router.get("", responses={200: {"model": MeaningsAnswer}})
async def meanings(
    ask: Ask, tenant: Caller, asked: Annotated[CommonestQuestion, Depends(_question)]
) -> Response:
    """List the meanings that matching spans point at: by errors, spans, p95 or when last seen."""
    found = await answered(ask.commonest.answer, tenant, asked)
    return json_response(commonest_json(found))


@router.get("/{meaning_id}", responses={200: {"model": MeaningAnswer}})
async def meaning(meaning_id: str, ask: Ask, tenant: Caller) -> Response:
    """Return one meaning, with what points at it."""
    found = await answered(ask.meanings.meaning, tenant, meaning_id)
    return json_response(known_meaning_json(found))


@router.get("/{meaning_id}/spans", responses={200: {"model": ListedAnswer}})
async def spans(
    meaning_id: str,
    ask: Ask,
    tenant: Caller,
    within: Within,
    limit: Limit = 20,
    cursor: Cursor = "",
) -> Response:
    """List the spans (for facet `log`, the log records) that point at a meaning, newest first."""
    found = await answered(ask.meanings.pointing_at, tenant, meaning_id, limit, cursor, within)
    return json_response(answer_json(found))
