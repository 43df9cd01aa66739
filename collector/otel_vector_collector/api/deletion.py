"""`DELETE /v1/spans`: spans and log records, forgotten for good."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from otel_vector.errors import InvalidInputError
from otel_vector.keys.audit import Act
from otel_vector.services.container import Services
from otel_vector.services.deleting import Chosen, Deleted
from otel_vector.services.shapes import deleted_json
from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.meanings import Signal
from otel_vector_collector.api.access import administrator
from otel_vector_collector.api.audit import audit_of, who
from otel_vector_collector.api.engine import services
from otel_vector_collector.api.formats import json_response
from otel_vector_collector.api.responses import DeletionAnswer
from otel_vector_collector.api.schemas import RestrictedBody
from otel_vector_collector.api.threads import answered

__all__ = ["DeletionBody", "router"]

router = APIRouter(prefix="/v1", tags=["deletion"])

_MOST_IDS = 10_000


class DeletionBody(RestrictedBody):
    """What is to be deleted: by trace, by id or by filter, one of them at a time."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"trace_ids": ["4bf92f3577b34da6a3ce929d0e0e4736"]},
                {"filter": "user.id:u-8837", "dry_run": True},
            ]
        },
    )

    runs: list[str] = Field(default=[], description="run kinds; every kind unless named")
    trace_ids: list[str] = Field(
        default=[], max_length=_MOST_IDS, description="whole traces: spans and log records"
    )
    ids: list[str] = Field(
        default=[], max_length=_MOST_IDS, description="content ids of spans or log records"
    )
    signals: list[Signal] = Field(
        default=[Signal.SPANS, Signal.LOGS], description="what a filter chooses"
    )
    all: bool = Field(default=False, description="really everything that is chosen")
    dry_run: bool = Field(default=False, description="count only")

    def chosen(self) -> Chosen:
        """Return the choice.

        Raises:
            InvalidQueryError: the filter cannot be read.
        """
        return Chosen(
            trace_ids=tuple(self.trace_ids),
            ids=tuple(SpanId(i) for i in self.ids),
            restriction=self.restriction(),
            signals=tuple(dict.fromkeys(self.signals)),
            everything=self.all,
        )


class _Parameters(BaseModel):
    """The same as the body, for callers that cannot send one with DELETE."""

    model_config = ConfigDict(extra="forbid")

    trace_id: list[str] = Field(default=[], description="whole traces")
    id: list[str] = Field(default=[], description="content ids")
    filter: str | None = Field(None, description="conditions in the query language")
    since: str = Field("", description="earliest start")
    until: str = Field("", description="latest start, exclusive")
    all: bool = Field(default=False, description="really everything that is chosen")
    dry_run: bool = Field(default=False, description="count only")

    def body(self) -> DeletionBody:
        """Return them as a body."""
        return DeletionBody(
            trace_ids=self.trace_id,
            ids=self.id,
            filter=self.filter,
            since=self.since,
            until=self.until,
            all=self.all,
            dry_run=self.dry_run,
        )


@router.delete("/spans", responses={200: {"model": DeletionAnswer}})
async def delete(
    request: Request,
    ask: Annotated[Services, Depends(services)],
    tenant: Annotated[Tenant, Depends(administrator)],
    parameters: Annotated[_Parameters, Query()],
    body: Annotated[DeletionBody | None, Body()] = None,
) -> Response:
    """Delete spans and log records for good, by a JSON body or by query parameters.

    They are found and counted by nothing any more, are not stored again when they are sent
    again, and texts that only they had are not searchable. Answers when all of it is durable.
    """
    if body is not None and parameters.model_fields_set:
        raise InvalidInputError("send a body or query parameters, not both")
    question = body or parameters.body()
    chosen = question.chosen()
    if question.dry_run:
        return json_response(deleted_json(await answered(ask.deleting.count, tenant, chosen)))
    # What was chosen may itself be what is to be forgotten: only how it was chosen is kept.
    by = "trace ids" if chosen.trace_ids else "ids" if chosen.ids else "filter"
    act = Act("spans.delete", who(request), (tenant,), detail={"by": by})

    def recorded() -> Deleted:
        with audit_of(request).during(act) as counts:
            gone = ask.deleting.delete(tenant, chosen)
            counts |= {"spans": gone.spans, "logs": gone.logs}
        return gone

    return json_response(deleted_json(await answered(recorded)))
