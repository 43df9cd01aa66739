# ruff: noqa: N815 -- the names are those of others
"""Tempo's answers, read as strictly as Grafana's data source reads them: unknown fields fail.

It decodes JSON into the messages of `tempopb`, whose integers of 64 bits are texts.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from support.world import DECLINED, TIMEOUT, World, at

from otel_vector.testing.builders import Event, Link, SpanRow, trace_bytes

ONE = trace_bytes(1).hex()
PROTOBUF = {"accept": "application/protobuf"}
MS = 1_000_000

Uint64 = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")]
Uint32 = Annotated[int, Field(strict=True, ge=0, lt=1 << 32)]
Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Hex16 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Kind = Literal["string", "int", "float", "bool", "duration", "keyword"]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class AnyValue(_Message):
    stringValue: str | None = None
    boolValue: bool | None = None
    intValue: Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,19}$")] | None = None
    doubleValue: float | Literal["NaN", "Infinity", "-Infinity"] | None = None
    arrayValue: dict[str, list[Any]] | None = None
    kvlistValue: dict[str, list[Any]] | None = None
    bytesValue: str | None = None

    @property
    def plain(self) -> Any:
        (value,) = self.model_dump(exclude_none=True).values()
        return int(value) if self.intValue is not None else value


class KeyValue(_Message):
    key: str
    value: AnyValue


class Span(_Message):
    spanID: Hex16
    name: str
    startTimeUnixNano: Uint64
    durationNanos: Uint64
    attributes: list[KeyValue]

    @property
    def shown(self) -> dict[str, Any]:
        return {a.key: a.value.plain for a in self.attributes}


class SpanSet(_Message):
    spans: list[Span]
    matched: Uint32
    attributes: list[KeyValue] = []


class ServiceStats(_Message):
    spanCount: Uint32
    errorCount: Uint32


class TraceSearchMetadata(_Message):
    traceID: Hex32
    rootServiceName: str
    rootTraceName: str
    startTimeUnixNano: Uint64
    durationMs: Uint32
    spanSets: Annotated[list[SpanSet], Field(min_length=1)]
    serviceStats: dict[str, ServiceStats]


class SearchMetrics(_Message):
    """Only fields of the release that the data source was built with may come."""

    inspectedTraces: Uint32 = 0
    inspectedBytes: Uint64 = "0"


class SearchResponse(_Message):
    traces: list[TraceSearchMetadata]
    metrics: SearchMetrics


class TagScope(_Message):
    name: Literal["resource", "span", "intrinsic", "event", "link", "instrumentation"]
    tags: list[str]


class SearchTagsV2Response(_Message):
    scopes: list[TagScope]
    metrics: SearchMetrics


class SearchTagsResponse(_Message):
    tagNames: list[str]
    metrics: SearchMetrics


class TagValue(_Message):
    type: Kind
    value: str


class SearchTagValuesV2Response(_Message):
    tagValues: list[TagValue]
    metrics: SearchMetrics


class SearchTagValuesResponse(_Message):
    tagValues: list[str]
    metrics: SearchMetrics


def shop_of_grafana() -> World:
    """Return three live traces, one of another run, and one whose root is not there."""
    world = World()
    world.write(
        [
            SpanRow(
                trace=1, span=1, service="shop", name="GET /cart", kind=2, start_ns=at(1),
                duration_ns=2_500 * MS, resource={"k8s.pod.name": "shop-1"},
                attributes={"user": "ann", "http.response.status_code": 500, "ratio": 0.5,
                            "hot": True, "a b": "spaced", "list": ["x", "y"]},
                events=(Event("exception", {"exception.type": "PaymentError"}),),
                links=(Link(7, 7, {"why": "batch"}),), scope_attributes={"tier": "gold"},
            ),
            SpanRow(
                trace=1, span=2, parent=1, service="payments", name="charge", kind=3, status=2,
                status_message="no funds", start_ns=at(2), duration_ns=500 * MS,
                attributes={"http.response.status_code": 402, "step": 1}, means=(DECLINED,),
            ),
            SpanRow(
                trace=1, span=3, parent=1, service="payments", name="charge", kind=3, status=2,
                start_ns=at(2.5), duration_ns=300 * MS, attributes={"step": 2}, means=(DECLINED,),
            ),
            SpanRow(trace=2, span=1, service="shop", name="GET /cart", start_ns=at(20),
                    attributes={"user": "bob"}),
            SpanRow(trace=3, span=5, parent=4, service="stock", name="reserve", start_ns=at(30),
                    status=2, means=(TIMEOUT,)),
            SpanRow(trace=4, span=1, service="shop", name="GET /cart", start_ns=at(40),
                    attributes={"otel_vector.run.kind": "replay"}),
        ]
    )  # fmt: skip
    return world
