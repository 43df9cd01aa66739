# ruff: noqa: N815 -- the names are those of others
"""Answers of Jaeger's HTTP API with the fields and types of the decoders that read them.

Grafana's data source decodes into Go's types: a whole number where it wants one, and nothing else.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, StrictInt, StrictStr


class Strict(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class GoKeyValue(Strict):
    key: StrictStr
    type: StrictStr
    value: Any


class GoReference(Strict):
    refType: StrictStr
    traceID: StrictStr
    spanID: StrictStr


class GoLog(Strict):
    timestamp: StrictInt
    fields: list[GoKeyValue]


class GoSpan(Strict):
    traceID: StrictStr
    spanID: StrictStr
    processID: StrictStr
    operationName: StrictStr
    startTime: StrictInt
    duration: StrictInt
    flags: StrictInt
    references: list[GoReference]
    tags: list[GoKeyValue]
    logs: list[GoLog]
    warnings: list[StrictStr] | None


class GoProcess(Strict):
    serviceName: StrictStr
    tags: list[GoKeyValue]


class GoTrace(Strict):
    traceID: StrictStr
    spans: list[GoSpan]
    processes: dict[str, GoProcess]
    warnings: list[StrictStr] | None

    def span(self, name: str) -> GoSpan:
        (found,) = (span for span in self.spans if span.operationName == name)
        return found


class GoTraces(Strict):
    data: list[GoTrace]
    errors: list[Any] | None


class GoNames(Strict):
    data: list[StrictStr]
    total: StrictInt
    limit: StrictInt
    offset: StrictInt
    errors: None


class GoEdge(Strict):
    parent: StrictStr
    child: StrictStr
    callCount: StrictInt


class GoEdges(Strict):
    data: list[GoEdge]
    errors: None


class GoSummary(Strict):
    traceId: StrictStr
    rootServiceName: StrictStr
    rootOperationName: StrictStr
    minStartTimeUnixNano: StrictStr
    maxEndTimeUnixNano: StrictStr
    spanCount: StrictInt
    errorSpanCount: StrictInt
    orphanSpanCount: StrictInt
    services: list[Any]
