"""`/v1/jobs`: long work, started, watched and ended over HTTP.

A job belongs to a tenant, which sees no other's; work on the whole store is started and seen
by those who may see all tenants.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Annotated, Final, cast

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi import Path as PathPart
from starlette.responses import Response, StreamingResponse

from otel_vector.errors import AccessError, InvalidInputError, NotFoundError, RetryableError
from otel_vector.jobs.contract import NO_URL, Job
from otel_vector.jobs.runner import Runner
from otel_vector.jobs.shapes import job_json
from otel_vector.keys.audit import Act
from otel_vector.spans.ids import Tenant
from otel_vector_collector.api.access import administrator, caller, holder, sees_all
from otel_vector_collector.api.audit import audit_of, who
from otel_vector_collector.api.engine import Serving
from otel_vector_collector.api.formats import json_response
from otel_vector_collector.api.job_shapes import JobAnswer, JobBody, JobsAnswer
from otel_vector_collector.api.streams import Streams
from otel_vector_collector.api.threads import answered, awaited

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["jobs"])

_WAIT_S: Final = 0.5  # how long a stop may go unnoticed
_MEDIA: Final = "text/event-stream"

_Reader = Annotated[Tenant, Depends(caller)]
_Admin = Annotated[Tenant, Depends(administrator)]
_Id = Annotated[str, PathPart(description="16 hex digits", max_length=64)]


@router.get("/jobs", responses={200: {"model": JobsAnswer}})
async def jobs(request: Request, tenant: _Reader) -> Response:
    """List the last jobs, newest first."""
    found = await answered(_runner(request).jobs)
    return json_response({"jobs": [job_json(job) for job in found if _sees(request, tenant, job)]})


@router.get("/jobs/{id}", responses={200: {"model": JobAnswer}})
async def job(request: Request, id: _Id, tenant: _Reader) -> Response:  # noqa: A002 -- the route's
    """Return one job as it stands."""
    return json_response(job_json(await answered(_seen, request, tenant, id)))


@router.post("/jobs", status_code=202, responses={202: {"model": JobAnswer}})
async def start(request: Request, body: JobBody, tenant: _Admin) -> Response:
    """Start a job; it runs when those before it are done."""
    runner = _runner(request)
    kind = runner.kinds.get(body.kind)
    if kind is not None and kind.store_wide and not sees_all(request):
        raise AccessError(
            f"{body.kind} is about all tenants: it takes a key for all of them ('*')"
        )
    for name in kind.paths if kind is not None else ():
        _require_allowed(request, str(body.arguments.get(name, "")))
    for name in kind.urls if kind is not None else ():
        _require_set(request, str(body.arguments.get(name) or ""))

    def submitted() -> Job:
        made = runner.submit(body.kind, tenant, body.arguments)
        audit_of(request).record(_act(request, "jobs.start", made))
        return made

    answer = json_response(job_json(await answered(submitted)))
    answer.status_code = 202
    return answer


@router.delete("/jobs/{id}", responses={200: {"model": JobAnswer}})
async def cancel(request: Request, id: _Id, tenant: _Admin) -> Response:  # noqa: A002 -- the route's
    """End a job at its next step; what is done so far stays."""

    def cancelled() -> Job:
        _seen(request, tenant, id)
        ended = _runner(request).cancel(id)
        audit_of(request).record(_act(request, "jobs.cancel", ended))
        return ended

    return json_response(job_json(await answered(cancelled)))


@router.get(
    "/jobs/{id}/events", responses={200: {"content": {_MEDIA: {"schema": {"type": "string"}}}}}
)
async def events(request: Request, id: _Id, tenant: _Reader) -> Response:  # noqa: A002 -- the route's
    """Follow a job to its end: each event `job` has the job as data; the last one is over."""
    streams: Streams = request.app.state.streams
    if streams.full or (holder(request) is not None and streams.has_its_share(tenant)):
        raise RetryableError("too many follow events already: end one, or try again later")
    first = await answered(_seen, request, tenant, id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    body = _followed(streams, _runner(request), tenant, first)
    return StreamingResponse(body, media_type=_MEDIA, headers=headers)


async def _followed(
    streams: Streams, runner: Runner, tenant: Tenant, now: Job
) -> AsyncIterator[bytes]:
    seen = runner.seen(now)
    with streams.following(tenant):
        yield _event(now)
        while not now.state.is_over and not streams.closed:
            now = await awaited(partial(runner.wait, now.id, seen), _WAIT_S, streams.limiter)
            changed, seen = runner.seen(now) != seen, runner.seen(now)
            yield _event(now) if changed else b": still here\n\n"


def _event(job: Job) -> bytes:
    return b"event: job\ndata: %s\n\n" % orjson.dumps(job_json(job))


def _runner(request: Request) -> Runner:
    return cast("Serving", request.app.state.engine).jobs


def _sees(request: Request, tenant: Tenant, job: Job) -> bool:
    return job.tenant == tenant or (job.tenant is None and sees_all(request))


def _seen(request: Request, tenant: Tenant, job_id: str) -> Job:
    """Return a job that the caller may see; another's is as unknown as none."""
    unknown = NotFoundError(f"there is no job {job_id}")
    try:
        found = _runner(request).job(job_id)
    except NotFoundError:
        raise unknown from None
    if not _sees(request, tenant, found):
        raise unknown
    return found


def _act(request: Request, what: str, job: Job) -> Act:
    tenants = () if job.tenant is None else (job.tenant,)
    return Act(what, who(request), tenants, detail={"job": job.id, "kind": job.kind})


def _require_allowed(request: Request, path: str) -> None:
    """Refuse files of this machine that settings do not open to requests."""
    allowed = cast("Serving", request.app.state.engine).settings.jobs.allowed_paths
    resolved, is_url = Path(path).resolve(), "://" in path
    if is_url or not any(resolved.is_relative_to(Path(folder).resolve()) for folder in allowed):
        raise InvalidInputError(
            f"{path!r} is not below a folder of the setting jobs.allowed_paths; name one that is, "
            "or run the command on the store's machine"
        )


def _require_set(request: Request, url: str) -> None:
    """Refuse to ask servers that settings do not name: texts of all tenants would go there.

    What they answer, or that there is none, would tell of the network this process is in.
    """
    config = cast("Serving", request.app.state.engine).settings.embed
    if url not in {"", NO_URL, config.url}:
        raise InvalidInputError(
            "a request may name no other server than embed.url; set that, or run the command on "
            "the store's machine"
        )
