"""Jaeger's HTTP API below `/jaeger`: the one that Grafana's data source asks, and `/api/v3`.

Other tools define these routes, so they are not part of the API's own schema. Whoever asks is
let in as everywhere on the API's port; what cannot be answered is told in Jaeger's form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated, Any, Final, cast

import orjson
from fastapi import Depends, Request
from starlette.responses import Response

from otel_vector.errors import InvalidQueryError, NotFoundError
from otel_vector.services.container import Services
from otel_vector.services.finding import FoundTrace
from otel_vector.services.summaries import summary_of
from otel_vector.spans.ids import Tenant
from otel_vector_collector.api.access import caller
from otel_vector_collector.api.engine import Serving, services
from otel_vector_collector.api.forms import ToolRouter
from otel_vector_collector.api.threads import answered
from otel_vector_collector.jaeger import legacy, v3
from otel_vector_collector.jaeger.parameters import (
    check_hints,
    legacy_search,
    legacy_window,
    trace_ids,
    traces_id,
    v3_search,
)
from otel_vector_collector.jaeger.questions import Asked, question_of
from otel_vector_collector.jaeger.service_names import ServiceNames

__all__ = ["router"]


_PREFIX: Final = "/jaeger/api"
_JSON: Final = "application/json"


def _refused(path: str, status: int, message: str) -> tuple[bytes, str]:
    """Tell a refusal in the form of the API that is asked."""
    refusal = v3.refusal if path.startswith(f"{_PREFIX}/v3/") else legacy.refusal
    return orjson.dumps(refusal(status, message)), _JSON


router = ToolRouter(_PREFIX, _refused)


async def _service_names(request: Request) -> ServiceNames:
    """Return what names services, as the settings of the engine that is served tell."""
    engine = cast("Serving", request.app.state.engine)
    return ServiceNames(engine.services.catalog, engine.settings.serve.jaeger_any_service)


Ask = Annotated[Services, Depends(services)]
Names = Annotated[ServiceNames, Depends(_service_names)]
Whose = Annotated[Tenant, Depends(caller)]
Json = dict[str, Any]


@router.get("/services")
async def legacy_services(named: Names, tenant: Whose) -> Response:
    return await _answer(lambda: legacy.answer(named.of(tenant)))


@router.get("/services/{service:path}/operations")
async def legacy_operations_of(service: str, ask: Ask, named: Names, tenant: Whose) -> Response:
    def names() -> list[str]:
        found = ask.operations.of(tenant, named.meant(service))
        return list(dict.fromkeys(operation.name for operation in found))

    return await _answer(lambda: legacy.answer(names()))


@router.get("/operations")
async def legacy_operations(request: Request, ask: Ask, named: Names, tenant: Whose) -> Response:
    given = request.query_params
    if not given.get("service"):
        raise InvalidQueryError("parameter 'service' is required")

    def listed() -> list[Json]:
        kind = given.get("spanKind", "").lower()
        found = ask.operations.of(tenant, named.meant(given["service"]), kind)
        return [{"name": o.name, "spanKind": _kind(o.kind)} for o in found]

    return await _answer(lambda: legacy.answer(listed()))


@router.get("/traces")
async def legacy_traces(request: Request, ask: Ask, named: Names, tenant: Whose) -> Response:
    given = request.query_params

    def found() -> Json:
        wanted = trace_ids(given)
        if wanted:
            return _by_ids(ask, tenant, wanted)
        traces = _found(ask, named, tenant, legacy_search(given))
        return legacy.answer([legacy.trace_json(t.spans, t.matched) for t in traces])

    return await _answer(found)


@router.get("/traces/{trace_id}")
async def legacy_trace(trace_id: str, ask: Ask, tenant: Whose) -> Response:
    def found() -> Json:
        answer = _by_ids(ask, tenant, [traces_id(trace_id)])
        if not answer["data"]:
            raise NotFoundError("trace not found")
        return answer

    return await _answer(found)


@router.get("/dependencies")
async def legacy_dependencies(request: Request, ask: Ask, named: Names, tenant: Whose) -> Response:
    service = named.meant(request.query_params.get("service", ""))

    def found() -> Json:
        window = legacy_window(request.query_params)
        edges = ask.service_map.edges(tenant, *window).edges
        shown = [edge for edge in edges if service in {"", edge.parent, edge.child}]
        return legacy.answer(legacy.edges_json(shown))

    return await _answer(found)


@router.get("/v3/services")
async def v3_services(named: Names, tenant: Whose) -> Response:
    return await _answer(lambda: {"services": named.of(tenant)})


@router.get("/v3/operations")
async def v3_operations(request: Request, ask: Ask, named: Names, tenant: Whose) -> Response:
    given = request.query_params
    service = named.meant(given.get("service", ""))
    kind = (given.get("spanKind") or given.get("span_kind", "")).lower()

    def listed() -> Json:
        found = ask.operations.of(tenant, service, kind)
        return {"operations": v3.operations_json(found)}

    return await _answer(listed)


@router.get("/v3/traces")
async def v3_traces(request: Request, ask: Ask, named: Names, tenant: Whose) -> Response:
    def found() -> Json:
        traces = list(_found(ask, named, tenant, v3_search(request.query_params)))
        if not traces:
            raise NotFoundError("No traces found")
        return v3.traces_json(traces)

    return await _answer(found)


@router.get("/v3/trace-summaries")
async def v3_summaries(request: Request, ask: Ask, named: Names, tenant: Whose) -> Response:
    def found() -> Json:
        traces = _found(ask, named, tenant, v3_search(request.query_params))
        return {"summaries": [v3.summary_json(summary_of(trace.spans)) for trace in traces]}

    return await _answer(found)


@router.get("/v3/traces/{trace_id}")
async def v3_trace(trace_id: str, request: Request, ask: Ask, tenant: Whose) -> Response:
    def found() -> Json:
        check_hints(request.query_params)
        raw = traces_id(trace_id)
        spans = _reader(ask, tenant).trace(raw)
        if not spans:
            raise NotFoundError("No traces found")
        return v3.traces_json([FoundTrace(raw, spans, {})])

    return await _answer(found)


def _found(
    ask: Services, named: ServiceNames, tenant: Tenant, asked: Asked
) -> Iterator[FoundTrace]:
    asked = replace(asked, service=named.meant(asked.service))
    return ask.finding.traces(tenant, question_of(asked, tenant, ask.operations))


def _by_ids(ask: Services, tenant: Tenant, wanted: list[bytes]) -> Json:
    """Return the traces with these ids; those that are not there are told one by one."""
    reader = _reader(ask, tenant)
    traces = {trace_id: reader.trace(trace_id) for trace_id in dict.fromkeys(wanted)}
    missing = [
        {"msg": "trace not found", "traceID": trace_id.hex()}
        for trace_id, spans in traces.items()
        if not spans
    ]
    data = [legacy.trace_json(spans) for spans in traces.values() if spans]
    return legacy.answer(data, missing or None)


def _reader(ask: Services, tenant: Tenant) -> Any:
    return ask.finding.search.store.tenant(tenant).reader


def _kind(kind: str) -> str:
    return "" if kind == "unspecified" else kind


async def _answer(work: Callable[[], Json]) -> Response:
    """Answer in a thread, the text of it included."""
    return Response(await answered(lambda: orjson.dumps(work())), media_type=_JSON)
