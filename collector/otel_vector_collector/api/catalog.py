"""What there is to ask about: services, operations, attributes and their values."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from otel_vector.services.container import Services
from otel_vector.services.search import Restriction
from otel_vector.services.shapes import keys_json, operation_json, service_json, values_json
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector_collector.api.access import caller
from otel_vector_collector.api.engine import services
from otel_vector_collector.api.formats import json_response
from otel_vector_collector.api.parameters import Limit, restriction
from otel_vector_collector.api.responses import (
    AttributeKeysAnswer,
    AttributeValuesAnswer,
    OperationsAnswer,
    ServicesAnswer,
)
from otel_vector_collector.api.threads import answered

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["catalog"])

Ask = Annotated[Services, Depends(services)]
Caller = Annotated[Tenant, Depends(caller)]
Within = Annotated[Restriction, Depends(restriction)]
Of = Annotated[Signal, Query(description="spans or logs")]


@router.get("/services", responses={200: {"model": ServicesAnswer}})
async def list_services(ask: Ask, tenant: Caller, within: Within) -> Response:
    """List the services of matching spans, those with most spans first."""
    rows = await answered(ask.catalog.services, tenant, within)
    return json_response({"services": [service_json(row) for row in rows]})


@router.get("/operations", responses={200: {"model": OperationsAnswer}})
async def list_operations(
    ask: Ask,
    tenant: Caller,
    within: Within,
    service: Annotated[str, Query(description="only those of this service")] = "",
) -> Response:
    """List the operations of matching spans, those with most spans first."""
    rows = await answered(ask.catalog.operations, tenant, within, service)
    return json_response({"operations": [operation_json(row) for row in rows]})


@router.get("/attributes", responses={200: {"model": AttributeKeysAnswer}})
async def list_attributes(
    ask: Ask, tenant: Caller, within: Within, signal: Of = Signal.SPANS
) -> Response:
    """List the attribute keys of the newest matching items."""
    found = await answered(ask.catalog.attributes, tenant, signal, within)
    return json_response(keys_json(found))


@router.get("/attributes/{key:path}/values", responses={200: {"model": AttributeValuesAnswer}})
async def list_values(
    key: str,
    ask: Ask,
    tenant: Caller,
    within: Within,
    signal: Of = Signal.SPANS,
    limit: Limit = 100,
) -> Response:
    """List the commonest values of a key among the newest matching items.

    Old and new names of one convention are one key.
    """
    found = await answered(ask.catalog.values, tenant, signal, key, within, limit)
    return json_response(values_json(key, found))
