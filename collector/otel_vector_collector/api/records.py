"""`/v1/records`: versioned records, one by one or as lines of any number."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Final

import orjson
from fastapi import APIRouter, Depends, Header, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from otel_vector.errors import (
    InvalidInputError,
    OtelVectorError,
    TooLargeError,
    UnsupportedMediaError,
)
from otel_vector.keys.audit import Act
from otel_vector.services.container import Services
from otel_vector.services.records import MAX_AT_ONCE, Refused, StoredRecord
from otel_vector.services.shapes import Json, record_json, shown_record_json
from otel_vector.spans.ids import Tenant
from otel_vector_collector.api.access import administrator, caller, contributor
from otel_vector_collector.api.audit import audit_of, who
from otel_vector_collector.api.engine import services
from otel_vector_collector.api.formats import JSON, LINES, json_response
from otel_vector_collector.api.limits import charge, require_room
from otel_vector_collector.api.lines import LINE_MEDIA, value_of, values_in
from otel_vector_collector.api.parameters import Cursor, Limit
from otel_vector_collector.api.problems import type_of
from otel_vector_collector.api.record_shapes import (
    RECORD_BODY,
    CollectionsAnswer,
    RecordAnswer,
    RecordsAnswer,
    StoredAnswer,
    VersionsAnswer,
)
from otel_vector_collector.api.threads import answered, streamed

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["records"])

_IN_MEMORY: Final = 1 << 20  # bytes of answers to lines; more of them wait on disk
_MOST_BYTES: Final = 64 << 20  # of answers to lines: a short line has a longer answer
_CHUNK: Final = 1 << 16
_VERSIONS: Final = "/versions"
_MOST_VERSIONS: Final = (1 << 63) - 1

_Ask = Annotated[Services, Depends(services)]
_Reader = Annotated[Tenant, Depends(caller)]
_Writer = Annotated[Tenant, Depends(contributor)]
_Deleter = Annotated[Tenant, Depends(administrator)]
_Collection = Annotated[
    str, Path(description="up to 63 of a-z, 0-9, `_`, `.`, `-`", examples=["functions"])
]
_Key = Annotated[str, Path(description="1 to 512 characters; `/` may stand as it is")]


@router.get("/records", responses={200: {"model": CollectionsAnswer}})
async def collections(ask: _Ask, tenant: _Reader) -> Response:
    """List the collections and how many records each holds."""
    found = await answered(ask.records.collections, tenant)
    rows = [{"collection": name, "records": count} for name, count in found.items()]
    return json_response({"collections": rows})


@router.post(
    "/records/{collection}",
    openapi_extra=RECORD_BODY,
    responses={
        200: {
            "model": StoredAnswer | list[StoredAnswer],
            "content": {LINES: {"schema": {"type": "string", "description": "an answer a line"}}},
        }
    },
)
async def store(
    request: Request,
    collection: _Collection,
    ask: _Ask,
    tenant: _Writer,
    content_type: Annotated[str, Header(description="JSON or lines of it")] = JSON,
) -> Response:
    """Store records, each as the latest version of its key.

    A list, and lines, get an answer for each record in order; one that is refused does not stop
    the others. A record of its own is refused with a problem document.
    """
    require_room(request, tenant)
    media = content_type.partition(";")[0].strip().lower()
    if media in LINE_MEDIA:
        return await _store_lines(request, collection, ask, tenant)
    if media != JSON:
        raise UnsupportedMediaError(f"records come as {JSON} or {LINES}, not as {media!r}")
    body = await request.body()
    charge(request, tenant, len(body))
    value = value_of(body)
    if isinstance(value, OtelVectorError):
        raise value
    values = value if isinstance(value, list) else [value]
    if len(values) > MAX_AT_ONCE:
        raise InvalidInputError(f"a list has at most {MAX_AT_ONCE} records; send {LINES} for more")
    stored = await answered(ask.records.put, tenant, collection, values)
    if isinstance(value, list):
        return json_response([_outcome(one) for one in stored])
    if isinstance(stored[0], Refused):
        raise stored[0].error
    return json_response(_outcome(stored[0]))


async def _store_lines(
    request: Request, collection: str, ask: Services, tenant: Tenant
) -> Response:
    """Store records line by line.

    The answers wait until all lines are read: most clients read nothing before they have sent
    everything, and neither side may wait for the other.
    """
    answers: IO[bytes] = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 -- closed by its reader
    try:
        number = 0
        async for batch in values_in(_charged(request, tenant), MAX_AT_ONCE):
            require_room(request, tenant)
            stored = await answered(ask.records.put, tenant, collection, batch)
            rows = [_outcome(one) | {"line": number + n} for n, one in enumerate(stored, 1)]
            number += len(rows)
            _require_bounded(answers.tell(), number)
            await answered(answers.writelines, [orjson.dumps(row) + b"\n" for row in rows])
        answers.seek(0)
    except BaseException:  # also when the client goes: what is spooled has no reader then
        answers.close()
        raise
    return StreamingResponse(streamed(_read(answers)), media_type=LINES)


def _require_bounded(size: int, lines: int) -> None:
    """Refuse to go on when answers are too long to be kept until all lines are read."""
    if size > _MOST_BYTES:
        raise TooLargeError(
            f"the answers to {lines} lines are over {_MOST_BYTES:,} bytes: these lines are done, "
            "send those after them by themselves"
        )


async def _charged(request: Request, tenant: Tenant) -> AsyncIterator[bytes]:
    """Yield a body as it comes, taking it out of its tenant's quota."""
    async for chunk in request.stream():
        charge(request, tenant, len(chunk))
        yield chunk


def _read(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _outcome(one: StoredRecord | Refused) -> Json:
    if isinstance(one, StoredRecord):
        return {"key": one.key, "version": one.version, "status": one.status}
    return {"key": one.key, "error": {"type": type_of(one.error), "detail": str(one.error)}}


@router.get("/records/{collection}", responses={200: {"model": RecordsAnswer}})
async def page(
    collection: _Collection, ask: _Ask, tenant: _Reader, limit: Limit = 100, cursor: Cursor = ""
) -> Response:
    """List the records of a collection in the order of keys; large ones come fewer at once."""
    found = await answered(ask.records.page, tenant, collection, limit, cursor)
    rows = [record_json(record) for record in found.records]
    return json_response({"records": rows, "next": found.next})


@router.get(
    "/records/{collection}/{key:path}/versions", responses={200: {"model": VersionsAnswer}}
)
async def versions(
    request: Request, collection: _Collection, key: _Key, ask: _Ask, tenant: _Reader
) -> Response:
    """Return every version of a record, the latest first.

    A key that ends in `/versions` itself is named with its slash as `%2F`.
    """
    if not request.scope.get("raw_path", b"").endswith(_VERSIONS.encode()):
        return await _one(ask, tenant, collection, key + _VERSIONS, None)
    found = await answered(ask.records.versions, tenant, collection, key)
    return json_response({"versions": [record_json(record) for record in found]})


@router.get("/records/{collection}/{key:path}", responses={200: {"model": RecordAnswer}})
async def record(
    collection: _Collection,
    key: _Key,
    ask: _Ask,
    tenant: _Reader,
    version: Annotated[
        int | None, Query(ge=1, le=_MOST_VERSIONS, description="the active one if not given")
    ] = None,
) -> Response:
    """Return a record with the texts it is found by."""
    return await _one(ask, tenant, collection, key, version)


async def _one(
    ask: Services, tenant: Tenant, collection: str, key: str, version: int | None
) -> Response:
    shown = await answered(ask.records.get, tenant, collection, key, version)
    return json_response(shown_record_json(shown))


@router.delete("/records/{collection}/{key:path}", status_code=204)
async def delete(
    request: Request, collection: _Collection, key: _Key, ask: _Ask, tenant: _Deleter
) -> Response:
    """Delete a record with all its versions, and the texts that nothing else points at."""
    act = Act("records.delete", who(request), (tenant,))

    def recorded() -> None:
        with audit_of(request).during(act) as counts:  # nothing is deleted unrecorded
            ask.records.delete(tenant, collection, key)
            counts["records"] = 1

    await answered(recorded)
    return Response(status_code=204)
