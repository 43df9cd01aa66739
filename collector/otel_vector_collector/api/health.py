"""`/health`: the process answers. `/ready`: every part works, or which does not and why."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter, Request
from starlette.responses import Response

from otel_vector_collector.api.access import sees_all
from otel_vector_collector.api.engine import Serving
from otel_vector_collector.api.formats import json_response
from otel_vector_collector.api.problems import NOT_READY
from otel_vector_collector.api.responses import HealthAnswer, ReadyAnswer
from otel_vector_collector.api.threads import answered

__all__ = ["router"]

router = APIRouter(tags=["state"])


@router.get("/health", responses={200: {"model": HealthAnswer}})
async def health() -> Response:
    """Say that the process answers; whether it can do its work is told by `/ready`."""
    return json_response({"status": "ok"})


@router.get("/ready", responses={200: {"model": ReadyAnswer}, 503: {"model": ReadyAnswer}})
async def ready(request: Request) -> Response:
    """Return each part: doors, inbox, checkpoint, embedder, disk; 503 unless all work.

    Without a key that may see all tenants, where keys are needed, the parts are left out.
    """
    engine, checks = cast("Serving", request.app.state.engine), request.app.state.checks
    parts = await answered(lambda: [*engine.health(), *(check() for check in checks)])
    well = all(part.ok for part in parts)
    told = parts if sees_all(request) else []
    shown = [{"name": part.name, "ok": part.ok, "detail": part.detail} for part in told]
    response = json_response({"ready": well, "parts": shown})
    response.status_code = 200 if well else NOT_READY
    return response
