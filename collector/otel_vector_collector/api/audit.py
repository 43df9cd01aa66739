"""`GET /v1/audit`: who did which administrative act; and how routes record theirs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from otel_vector.keys.audit import LOCAL_USER, AuditLog, Entry
from otel_vector.services.times import instant_ns
from otel_vector.spans.ids import Tenant
from otel_vector_collector.api.access import administrator, holder, sees_all
from otel_vector_collector.api.engine import Serving
from otel_vector_collector.api.formats import json_response
from otel_vector_collector.api.parameters import Limit
from otel_vector_collector.api.responses import AuditAnswer
from otel_vector_collector.api.threads import answered
from otel_vector_collector.receive.gate import OWNER

__all__ = ["audit_of", "router", "who"]

router = APIRouter(prefix="/v1", tags=["state"])

_Since = Annotated[
    str,
    Query(description="earliest time: RFC 3339, nanoseconds, or how long ago", examples=["7d"]),
]


@router.get("/audit", responses={200: {"model": AuditAnswer}})
async def audit(
    request: Request,
    tenant: Annotated[Tenant, Depends(administrator)],
    since: _Since = "",
    limit: Limit = 100,
) -> Response:
    """Return the newest administrative acts on the tenant, oldest first.

    A key for all tenants sees those on other tenants and on the whole store, too.
    """
    tenants = None if sees_all(request) else (tenant,)
    since_ns = instant_ns(since, time.time_ns()) if since else 0
    entries = await answered(
        lambda: list(deque(audit_of(request).entries(since_ns, tenants), maxlen=limit))
    )
    return json_response({"acts": _shown(entries)})


def audit_of(request: Request) -> AuditLog:
    """Return the audit log of the folder that is served."""
    return AuditLog(cast("Serving", request.app.state.engine).settings.data)


def who(request: Request) -> str:
    """Return who asks, as the audit log calls them."""
    key = holder(request)
    return LOCAL_USER if key is None or key is OWNER else key.id


def _shown(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return acts without their numbers and hashes, which tell how many others there are."""
    hidden = {"sequence", "hash"}
    return [{k: v for k, v in e.to_json().items() if k not in hidden} for e in entries]
