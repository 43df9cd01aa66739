"""`GET /v1/stats`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from otel_vector.services.container import Services
from otel_vector.services.shapes import stats_json
from otel_vector.spans.ids import Tenant
from otel_vector_collector.api.access import caller, sees_all
from otel_vector_collector.api.engine import services
from otel_vector_collector.api.formats import json_response
from otel_vector_collector.api.responses import StatsAnswer
from otel_vector_collector.api.threads import answered

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["state"])


@router.get("/stats", responses={200: {"model": StatsAnswer}})
async def stats(
    request: Request,
    ask: Annotated[Services, Depends(services)],
    tenant: Annotated[Tenant, Depends(caller)],
) -> Response:
    """Return how much there is, what waits, and what was refused.

    What waits and what was refused is counted over all tenants, and left out for a key that may
    not see them all.
    """
    answer = await answered(ask.stats.answer, tenant)
    if not sees_all(request):
        answer = replace(answer, waiting=None, rejected={})
    return json_response(stats_json(answer))
