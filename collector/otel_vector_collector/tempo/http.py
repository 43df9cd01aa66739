"""Tempo's HTTP API below `/tempo`, as Grafana's data source asks it.

Other tools define these routes, so they are not part of the API's own schema. Whoever asks is
let in as everywhere on the API's port; what cannot be answered is told in one sentence of plain
text, as Tempo tells it.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any, Final

import orjson
from fastapi import Depends, Request
from starlette.responses import PlainTextResponse, Response

from otel_vector.errors import InvalidQueryError, NotFoundError
from otel_vector.services.container import Services
from otel_vector.spans.batch import varint
from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import Item, traces_data
from otel_vector.spans.otlp_json import json_object
from otel_vector_collector.api.access import caller
from otel_vector_collector.api.engine import services
from otel_vector_collector.api.forms import ToolRouter
from otel_vector_collector.api.threads import answered
from otel_vector_collector.tempo.parameters import (
    Given,
    search_of,
    trace_id_of,
    whole_number,
    window_of,
)
from otel_vector_collector.tempo.search import restriction_of, search
from otel_vector_collector.tempo.tags import Tags, TagValue
from otel_vector_collector.tempo.traceql.expressions import EVERYTHING, Expression
from otel_vector_collector.tempo.traceql.meaning import asked
from otel_vector_collector.tempo.traceql.names import field_named
from otel_vector_collector.tempo.traceql.parser import parse

__all__ = ["router"]


def _refused(_path: str, _status: int, message: str) -> tuple[bytes, str]:
    return message.encode(), "text/plain; charset=utf-8"


router = ToolRouter("/tempo/api", _refused)

Ask = Annotated[Services, Depends(services)]
Whose = Annotated[Tenant, Depends(caller)]

_SPEAKS: Final = "2.7.0"
"""The release of Tempo whose requests are answered; clients ask for what theirs has."""
_PROTOBUF: Final = "application/protobuf"
_JSON: Final = "application/json"
_MOST_TAGS: Final = 100_000
_MOST_VALUES: Final = 5_000


@router.get("/echo")
async def echo(_tenant: Whose) -> Response:
    return PlainTextResponse("echo")


@router.get("/status/buildinfo")
async def build_info(_tenant: Whose) -> Response:
    ours = f"otel-vector {version('otel-vector')}"
    unknown = dict.fromkeys(("branch", "buildUser", "buildDate", "goVersion"), "")
    return _json({"version": _SPEAKS, "revision": ours, **unknown})


@router.get("/v2/traces/{trace_id}")
async def trace_v2(trace_id: str, request: Request, ask: Ask, tenant: Whose) -> Response:
    def found() -> Response:
        spans = _spans(ask, tenant, trace_id, request.query_params)
        if not _wants_protobuf(request):
            return _json({"trace": json_object(traces_data(spans))})
        data = traces_data(spans).SerializeToString()  # field 1 of TraceByIDResponse
        return Response(b"\x0a" + varint(len(data)) + data, media_type=_PROTOBUF)

    return await answered(found)


@router.get("/traces/{trace_id}")
async def trace_v1(trace_id: str, request: Request, ask: Ask, tenant: Whose) -> Response:
    def found() -> Response:
        data = traces_data(_spans(ask, tenant, trace_id, request.query_params))
        if not _wants_protobuf(request):
            return _json(json_object(data))
        return Response(data.SerializeToString(), media_type=_PROTOBUF)

    return await answered(found)


@router.get("/search")
async def find(request: Request, ask: Ask, tenant: Whose) -> Response:
    return await answered(lambda: _json(search(ask, tenant, search_of(request.query_params))))


@router.get("/v2/search/tags")
async def tags_v2(request: Request, ask: Ask, tenant: Whose) -> Response:
    def scopes() -> Response:
        names = _names(ask, tenant, request.query_params)
        listed = [{"name": scope, "tags": tags} for scope, tags in names.items()]
        return _json({"scopes": listed, "metrics": {}})

    return await answered(scopes)


@router.get("/search/tags")
async def tags_v1(request: Request, ask: Ask, tenant: Whose) -> Response:
    def names() -> Response:
        found = _names(ask, tenant, request.query_params)
        every = sorted({tag for tags in found.values() for tag in tags})
        return _json({"tagNames": every, "metrics": {}})

    return await answered(names)


@router.get("/v2/search/tag/{tag:path}/values")
async def values_v2(tag: str, request: Request, ask: Ask, tenant: Whose) -> Response:
    def values() -> Response:
        found = _values(ask, tenant, tag, request.query_params)
        listed = [{"type": kind, "value": text} for kind, text in found]
        return _json({"tagValues": listed, "metrics": {}})

    return await answered(values)


@router.get("/search/tag/{tag:path}/values")
async def values_v1(tag: str, request: Request, ask: Ask, tenant: Whose) -> Response:
    def values() -> Response:
        found = _values(ask, tenant, tag, request.query_params)
        return _json({"tagValues": [text for _, text in found], "metrics": {}})

    return await answered(values)


@router.get("/metrics/{rest:path}")
async def metrics(rest: str, _tenant: Whose) -> Response:
    raise InvalidQueryError(
        f"TraceQL metrics (/api/metrics/{rest}) are not answered here; search by /api/search"
    )


def _spans(ask: Services, tenant: Tenant, trace_id: str, given: Given) -> list[Item]:
    """Return the spans of a trace, which has to lie in the window at least in part.

    Raises:
        InvalidQueryError: the id or the window cannot be read.
        NotFoundError: there is no such trace.
    """
    raw, window = trace_id_of(trace_id), window_of(given)
    spans = ask.traces.store.tenant(tenant).reader.trace(raw)
    lies_in = any(
        (window.until_ns is None or item.start_ns < window.until_ns)
        and (window.since_ns is None or item.end_ns >= window.since_ns)
        for item in spans
    )
    if not lies_in:
        raise NotFoundError(f"there is no trace {raw.hex()}{' in this window' if spans else ''}")
    return spans


def _names(ask: Services, tenant: Tenant, given: Given) -> dict[str, list[str]]:
    most = whole_number(given, "limit", _MOST_TAGS, _MOST_TAGS)
    restriction = restriction_of(_narrowing(given), window_of(given))
    return Tags(ask, tenant).names(restriction, given.get("scope", ""), most)


def _values(ask: Services, tenant: Tenant, tag: str, given: Given) -> list[TagValue]:
    most = whole_number(given, "limit", _MOST_VALUES, _MOST_TAGS)
    restriction = restriction_of(_narrowing(given), window_of(given))
    return Tags(ask, tenant).values(field_named(tag), restriction, most)


def _narrowing(given: Given) -> Expression:
    """Return what narrows a list: while a query is being typed it often cannot be read yet."""
    try:
        return asked(parse(given.get("q", ""))).rest
    except InvalidQueryError:
        return EVERYTHING


def _wants_protobuf(request: Request) -> bool:
    return _PROTOBUF in request.headers.get("accept", "")


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type=_JSON)
