"""The shapes of answers by meaning, for the OpenAPI schema."""

from __future__ import annotations

from pydantic import BaseModel, Field

from otel_vector_collector.api.responses import (
    Group,
    LogRecord,
    Meaning,
    Pointing,
    Span,
    Why,
)

__all__ = [
    "CommonMeaning",
    "GroupedAnswer",
    "ListedAnswer",
    "MeaningsAnswer",
    "MeasuredPointing",
    "RecordHit",
    "ScoredLogRecord",
    "ScoredSpan",
]


class ScoredSpan(Span):
    """A span in an ungrouped answer."""

    score: float | None
    why: Why | None


class ScoredLogRecord(LogRecord):
    """A log record in an ungrouped answer."""

    score: float | None
    why: Why | None


class RecordHit(BaseModel):
    """A record that answers, by its best text."""

    collection: str
    key: str
    version: int
    score: float | None = Field(description="higher is better; null without words")
    why: Why | None
    meaning: Meaning | None = Field(description="the text it was found by")
    text: str


class _Answer(BaseModel):
    search_id: str = Field(description="16 hex digits")
    searched: list[str] = Field(description="the kinds of things it covers")
    records: list[RecordHit] | None = Field(None, description="when records were asked for")
    next: str | None = Field(description="cursor of the next page; null at the end")
    pending: int = Field(description="meanings without a vector, found by words only")
    took_ms: float


class GroupedAnswer(_Answer):
    """An answer by meaning."""

    groups: list[Group]


class ListedAnswer(_Answer):
    """An answer span by span; with `over` logs, log records stand among them."""

    spans: list[ScoredSpan | ScoredLogRecord]


class MeasuredPointing(Pointing):
    """What is known of the spans that point at a meaning; times as numbers, too."""

    p50_ms: float = Field(description="milliseconds, within 5 %")
    p95_ms: float
    p99_ms: float
    last_seen_unix_ms: int = Field(description="milliseconds since the epoch")


class CommonMeaning(Group):
    """One meaning of a list in order; it has no score."""

    spans: MeasuredPointing


class MeaningsAnswer(BaseModel):
    """Meanings of one facet in order."""

    groups: list[CommonMeaning]
    found: int = Field(description="meanings of the facet that matching spans point at")
    compared: int = Field(description="how many of them were put in order, the commonest")
    truncated: bool = Field(description="one that was not compared might belong among these")
    took_ms: float
