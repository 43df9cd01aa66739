"""Emptying a tenant at once, for test suites that ask for it between their tests.

There only by the setting `serve.allow_purge`, on loopback only. Unlike a deletion it leaves no
tombstones: what was there can be stored again, which a test suite does and nobody else should.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from otel_vector.errors import AccessError, RetryableError
from otel_vector.keys.audit import Act
from otel_vector.spans.ids import Tenant
from otel_vector.store.contract import Store
from otel_vector_collector.api.access import administrator
from otel_vector_collector.api.audit import audit_of, who
from otel_vector_collector.api.formats import json_response
from otel_vector_collector.api.threads import answered
from otel_vector_collector.receive.addresses import is_loopback

__all__ = ["purge_router"]

_LOG = logging.getLogger(__name__)
_STORED_S: Final = 30.0


def purge_router(store: Store, wait_stored: Callable[[float], bool]) -> APIRouter:
    """Return the route `POST /jaeger/purge`.

    Args:
        store: what is emptied.
        wait_stored: waits until what was accepted is stored; returns whether it was in time.
    """
    router = APIRouter(include_in_schema=False)

    @router.post("/jaeger/purge")
    async def purge(
        request: Request, tenant: Annotated[Tenant, Depends(administrator)]
    ) -> Response:
        if request.client is not None and not is_loopback(request.client.host):
            raise AccessError("purging is for this machine itself only")
        act = Act("store.purge", who(request), (tenant,))

        def recorded() -> int:
            with audit_of(request).during(act) as counts:
                counts["items"] = dropped = _purged(store, tenant, wait_stored)
            return dropped

        answer = json_response({"dropped": await answered(recorded)})
        # Jaeger's suite takes a connection that is kept open for a leak of its own.
        answer.headers["connection"] = "close"
        return answer

    return router


def _purged(store: Store, tenant: Tenant, wait_stored: Callable[[float], bool]) -> int:
    if not wait_stored(_STORED_S):
        raise RetryableError("not all that was accepted is stored yet: purge again", 1.0)
    upkeep = store.tenant(tenant).upkeep
    dropped = sum(upkeep.drop(partition.name) for partition in upkeep.partitions())
    _LOG.warning("purged tenant %s by request: %d items are gone", tenant, dropped)
    return dropped
