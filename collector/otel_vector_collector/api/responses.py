"""The shapes of answers, for the OpenAPI schema. Answers are not validated on their way out."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

__all__ = [
    "Act",
    "AttributeKey",
    "AttributeKeysAnswer",
    "AttributeValue",
    "AttributeValuesAnswer",
    "AuditAnswer",
    "DeletionAnswer",
    "DetailAnswer",
    "EmbeddingNames",
    "Group",
    "HealthAnswer",
    "InboxNumbers",
    "LogDetailAnswer",
    "LogRecord",
    "Meaning",
    "MeaningAnswer",
    "MeaningCounts",
    "OperationRow",
    "OperationsAnswer",
    "Part",
    "Pointing",
    "PointingLogs",
    "Problem",
    "ReadyAnswer",
    "RetentionNumbers",
    "ServiceRow",
    "ServicesAnswer",
    "Span",
    "SpansAnswer",
    "StatsAnswer",
    "TraceAnswer",
    "TraceSpan",
    "Why",
]

_SPAN_ID = "16 hex digits"
_NANO = "nanoseconds, a decimal string"


class Span(BaseModel):
    """One stored span."""

    id: str = Field(description="content id, 32 hex digits")
    trace_id: str = Field(description="32 hex digits")
    span_id: str = Field(description=_SPAN_ID)
    parent_span_id: str = Field(description="16 hex digits; empty for a root")
    service: str
    name: str
    kind: str = Field(description="unspecified, internal, server, client, producer or consumer")
    status: str = Field(description="unset, ok or error")
    start_time_unix_nano: str = Field(description=_NANO)
    duration_nano: str = Field(description=_NANO)
    run_kind: str = Field(description="live, replay, test, eval, shadow or self")


class _LogRow(BaseModel):
    signal: Literal["logs"] = Field(description="tells it from a span, which has none")
    id: str
    trace_id: str
    span_id: str
    service: str
    name: str = Field(description="event name")
    severity: str
    severity_number: int
    time_unix_nano: str = Field(description=_NANO)


class LogRecord(_LogRow):
    """One stored log record."""

    body: str = Field(description="text form, cut at 1,000 characters")


class Why(BaseModel):
    """The reasons of a score."""

    facet: str
    dense_rank: int | None = Field(description="place in the ranking by meaning, from 0")
    bm25_rank: int | None = Field(description="place in the ranking by words, from 0")
    cosine: float | None = Field(description="nearness by meaning")
    exact: bool = Field(description="whether the question occurs in the text as it stands")
    like: str | None = Field(None, description="similar: the meaning that this one is like")


class Meaning(BaseModel):
    """One distinct text of one facet."""

    id: str = Field(description="16 hex digits")
    facet: str
    text: str
    service: str | None = Field(None, description="operations only: exact service name")
    name: str | None = Field(None, description="operations only: span name, ids masked")
    kind: str | None = Field(None, description="operations only")


class Pointing(BaseModel):
    """What is known of the spans that point at a meaning."""

    count: int
    errors: int
    p50_ns: str = Field(description=f"{_NANO}, within 5 %")
    p95_ns: str
    p99_ns: str
    first_seen_unix_nano: str
    last_seen_unix_nano: str
    services: list[str]


class PointingLogs(BaseModel):
    """What is known of the log records that point at a meaning."""

    count: int
    first_seen_unix_nano: str
    last_seen_unix_nano: str


class Group(BaseModel):
    """One meaning with what points at it."""

    score: float | None = Field(description="higher is better; null without words")
    why: Why
    meaning: Meaning
    spans: Pointing
    logs: PointingLogs | None = Field(None, description="when logs were asked for")
    examples: list[Span | LogRecord]


class MeaningAnswer(Meaning):
    """One meaning, with the live items that point at it."""

    pending: bool = Field(description="it has no vector yet")
    spans: Pointing
    logs: PointingLogs | None = None
    examples: list[Span | LogRecord]


class TraceSpan(Span):
    """A span in its place in its trace."""

    depth: int = Field(description="0 for a root")
    offset_nano: str = Field(description="start since the start of the trace")
    orphan: bool = Field(description="its parent is not stored")


class TraceAnswer(BaseModel):
    """A trace: parents before their children, children by start."""

    trace_id: str
    start_time_unix_nano: str
    duration_nano: str
    services: list[str]
    span_count: int
    errors: int
    spans: list[TraceSpan]
    logs: list[LogRecord]


class DetailAnswer(Span):
    """A span with everything it has; attribute values are typed as in OTLP JSON."""

    end_time_unix_nano: str
    trace_state: str
    status_message: str
    flags: int
    attributes: list[dict[str, Any]] = Field(
        examples=[[{"key": "http.response.status_code", "value": {"intValue": "503"}}]]
    )
    dropped_attributes_count: int
    events: list[dict[str, Any]]
    dropped_events_count: int
    links: list[dict[str, Any]]
    dropped_links_count: int
    resource: dict[str, Any]
    scope: dict[str, Any]
    meanings: list[Meaning]


class LogDetailAnswer(_LogRow):
    """A log record with everything it has; values are typed as in OTLP JSON."""

    observed_time_unix_nano: str
    body: dict[str, Any]
    attributes: list[dict[str, Any]]
    dropped_attributes_count: int
    flags: int
    resource: dict[str, Any]
    scope: dict[str, Any]
    meanings: list[Meaning]


class SpansAnswer(BaseModel):
    """Every stored span of one trace id and span id."""

    spans: list[DetailAnswer]


class ServiceRow(BaseModel):
    """A service."""

    service: str
    spans: int
    operations: int


class ServicesAnswer(BaseModel):
    """Services, those with most spans first."""

    services: list[ServiceRow]


class OperationRow(BaseModel):
    """An operation."""

    service: str
    name: str
    kind: str
    spans: int
    meaning: str


class OperationsAnswer(BaseModel):
    """Operations, those with most spans first."""

    operations: list[OperationRow]


class AttributeKey(BaseModel):
    """An attribute key in one scope."""

    key: str
    scope: str
    types: list[str]
    items: int


class AttributeKeysAnswer(BaseModel):
    """Attribute keys of the newest items."""

    attributes: list[AttributeKey]
    looked_at: int = Field(description="items that were looked at, the newest")


class AttributeValue(BaseModel):
    """A value of an attribute."""

    value: str = Field(description="text form, cut at 1,000 characters")
    type: str
    items: int


class AttributeValuesAnswer(BaseModel):
    """Values of one attribute among the newest items, the commonest first."""

    key: str
    names: list[str] = Field(description="every name of the key's family")
    values: list[AttributeValue]
    distinct: int
    having: int = Field(description="items that have the attribute")
    looked_at: int = Field(description="items that were looked at, the newest")


class MeaningCounts(BaseModel):
    """Meanings."""

    total: int
    pending: int


class InboxNumbers(BaseModel):
    """What waits to be stored."""

    pending: int
    bytes: int
    oldest_s: float
    dead: int


class EmbeddingNames(BaseModel):
    """The embedding model."""

    model: str
    dimension: int


class RetentionNumbers(BaseModel):
    """What is kept, and what is not."""

    max_age_s: float = Field(description="seconds; 0 for ever")
    max_bytes: int = Field(description="of all tenants; 0 for any")
    due: list[str] = Field(description="partitions that would be dropped, or cut, now")
    dropped_items: int = Field(description="since the process started")


class StatsAnswer(BaseModel):
    """How much there is, what waits, what was refused."""

    spans: int
    logs: int
    meanings: MeaningCounts
    inbox: InboxNumbers | None
    rejected: dict[str, int]
    disk_bytes: int
    blocks: int
    shards: int
    sealed_shards: int = Field(description="of them; immutable, and not in memory")
    tombstones: int
    retention: RetentionNumbers | None = Field(description="null while it is off")
    embedding: EmbeddingNames


class DeletionAnswer(BaseModel):
    """What was deleted, or would be."""

    spans: int
    logs: int
    traces: int = Field(description="how many traces these are of")
    services: list[str]
    dry_run: bool = Field(description="only counted; nothing was changed")


class HealthAnswer(BaseModel):
    """The process answers."""

    status: str


class Part(BaseModel):
    """One part of the process."""

    name: str
    ok: bool
    detail: str


class ReadyAnswer(BaseModel):
    """Whether every part works."""

    ready: bool
    parts: list[Part]


class Act(BaseModel):
    """An administrative act."""

    time_unix_nano: str = Field(description=_NANO)
    who: str = Field(description="the id of a key, or `local user`")
    what: str = Field(description="the part and the act", examples=["spans.delete"])
    tenants: list[str] = Field(description="whose; empty for an act on the whole store")
    outcome: str = Field(description="begun, done, refused or failed")
    counts: dict[str, int]
    detail: dict[str, str]


class AuditAnswer(BaseModel):
    """Administrative acts, oldest first."""

    acts: list[Act]


class Problem(BaseModel):
    """A problem document, RFC 9457."""

    type: str = Field(examples=["urn:otel-vector:problem:invalid-query"])
    title: str
    status: int
    detail: str = Field(description="what happened and what to do")
