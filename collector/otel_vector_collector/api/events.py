"""`GET /v1/events`: what is stored, as it is stored, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from otel_vector.errors import RetryableError
from otel_vector.services.container import Services
from otel_vector.services.following import Heard
from otel_vector.services.search import Restriction
from otel_vector.services.shapes import item_json
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector_collector.api.access import caller, holder
from otel_vector_collector.api.engine import services
from otel_vector_collector.api.parameters import restriction
from otel_vector_collector.api.streams import Streams
from otel_vector_collector.api.threads import awaited

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["events"])

_WAIT_S: Final = 0.5  # how long a stop may go unnoticed
_HEARTBEAT_WAITS: Final = 20  # silent waits after which the connection is shown to live
_HEARTBEAT: Final = b": still here\n\n"
_MEDIA: Final = "text/event-stream"


@router.get("/events", responses={200: {"content": {_MEDIA: {"schema": {"type": "string"}}}}})
async def events(
    request: Request,
    ask: Annotated[Services, Depends(services)],
    tenant: Annotated[Tenant, Depends(caller)],
    within: Annotated[Restriction, Depends(restriction)],
) -> Response:
    """Follow what is stored from now on, until either side ends it.

    Each event `stored` has as data `{"sequence", "signal", "count", "skipped", "ids",
    "spans": [SPAN], "logs": [LOG]}`: one write of `count` new items, the first hundred of them
    shown, under a filter those that match. `skipped` writes before it were lost to a follower
    that read too slowly.
    """
    streams: Streams = request.app.state.streams
    if streams.full or (holder(request) is not None and streams.has_its_share(tenant)):
        raise RetryableError("too many follow the events already: end one, or try again later")
    where = within.where(ask.search.clock_ns())
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    body = _followed(streams, ask, tenant, where)
    return StreamingResponse(body, media_type=_MEDIA, headers=headers)


async def _followed(
    streams: Streams, ask: Services, tenant: Tenant, where: Where
) -> AsyncIterator[bytes]:
    with streams.following(tenant), ask.following.listen(tenant, where) as listener:
        yield _HEARTBEAT
        silent = 0
        while not streams.closed:
            heard = await awaited(listener.next, _WAIT_S, streams.limiter)
            silent += 1
            if heard is not None and (heard.items or where.filter is None):
                yield _event(heard)
                silent = 0
            elif silent >= _HEARTBEAT_WAITS:
                yield _HEARTBEAT
                silent = 0


def _event(heard: Heard) -> bytes:
    event = heard.event
    rows = [item_json(item) for item in heard.items]
    data = {
        "sequence": event.sequence,
        "signal": event.signal,
        "count": event.count,
        "skipped": event.skipped,
        "ids": event.ids,
        "spans": rows if event.signal is Signal.SPANS else [],
        "logs": rows if event.signal is Signal.LOGS else [],
    }
    return b"id: %d\nevent: stored\ndata: %s\n\n" % (event.sequence, orjson.dumps(data))
