"""Bodies that requests carry, checked as they come in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from otel_vector.services.query import filter_from_json, parse_filter
from otel_vector.services.search import Restriction, SearchQuestion
from otel_vector.services.similar import SimilarQuestion
from otel_vector.spans.filters import Filter
from otel_vector.spans.ids import SpanId, parse_meaning_id
from otel_vector.spans.meanings import Facet, RunKind, Signal

__all__ = [
    "ExportBody",
    "RestrictedBody",
    "SearchBody",
    "SimilarBody",
]

_LONGEST_TEXT = 65_536  # characters of a question


def _or_empty(value: Any) -> Any:
    """Let null stand for a field that is left out."""
    return "" if value is None else value


def _or_none_listed(value: Any) -> Any:
    return [] if value is None else value


_Text = Annotated[str, BeforeValidator(_or_empty)]
_Facets = Annotated[list[Facet], BeforeValidator(_or_none_listed)]
_Time = Annotated[str, BeforeValidator(lambda v: str(v) if isinstance(v, int) else _or_empty(v))]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RestrictedBody(_Body):
    """Which items count."""

    filter: str | dict[str, Any] | None = Field(
        None,
        description="conditions in the query language, or the same as JSON",
        examples=["service:checkout status:error duration>200ms"],
    )
    since: _Time = Field(
        "",
        description="earliest start: RFC 3339, nanoseconds since the epoch, or how long ago",
        examples=["2022-08-22T05:18:16Z", "-1h"],
    )
    until: _Time = Field("", description="latest start, exclusive; written like since")
    runs: list[str] = Field(
        default=[RunKind.LIVE], description="run kinds that count; `all` for every kind"
    )

    def restriction(self) -> Restriction:
        """Return the restriction.

        Raises:
            InvalidQueryError: the filter cannot be read.
        """
        return Restriction(self._condition(), self.since, self.until, tuple(self.runs))

    def _condition(self) -> Filter | None:
        if isinstance(self.filter, dict):
            return filter_from_json(self.filter) if self.filter else None
        return parse_filter(self.filter or "")


class SearchBody(RestrictedBody):
    """One question."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "card declined at checkout", "since": "-1h"},
                {"text": 'payment failed service:checkout "card declined"', "group": False},
                {"filter": "http.response.status_code>=500", "group": False, "limit": 20},
            ]
        },
    )

    text: _Text = Field(
        "",
        max_length=_LONGEST_TEXT,
        description="plain words; conditions of the query language narrow, quotes are exact",
    )
    facets: _Facets = Field(default=[], description="only meanings of these sides of a span")
    limit: int = Field(10, ge=1, description="groups, or spans, of one page")
    cursor: _Text = Field("", description="`next` of the previous page of this question")
    group: bool = Field(default=True, description="by meaning, or span by span")
    examples: int = Field(1, ge=0, description="spans shown with each group")
    over: list[Literal["spans", "logs", "records"]] | None = Field(
        None, description="spans (the default), logs, records, or several of them"
    )
    collections: list[str] = Field(
        default=[], max_length=100, description="only records of these collections"
    )

    def question(self) -> SearchQuestion:
        """Return the typed question.

        Raises:
            InvalidQueryError: the filter cannot be read.
        """
        return SearchQuestion(
            text=self.text,
            restriction=self.restriction(),
            facets=tuple(self.facets),
            limit=self.limit,
            cursor=self.cursor,
            group=self.group,
            examples=self.examples,
            over=_over(self.over),
            records="records" in (self.over or ()),
            collections=tuple(self.collections),
        )


class SimilarBody(RestrictedBody):
    """One thing whose likes are asked for: exactly one of span, meaning and text."""

    span: str | None = Field(
        None, pattern="^[0-9a-f]{32}$", description="content id of a span or log record"
    )
    meaning: str | None = Field(None, pattern="^[0-7][0-9a-f]{15}$", description="id of a meaning")
    text: _Text = Field("", max_length=_LONGEST_TEXT, description="any text, taken as it is")
    facets: _Facets = Field(
        default=[], description="only these sides; those of the thing itself if none is named"
    )
    limit: int = Field(10, ge=1, description="groups")
    examples: int = Field(1, ge=0, description="spans shown with each group")
    over: list[Signal] | None = Field(None, description="spans (the default), logs, or both")

    def question(self) -> SimilarQuestion:
        """Return the typed question.

        Raises:
            InvalidQueryError: the filter cannot be read.
        """
        return SimilarQuestion(
            span=None if self.span is None else SpanId(self.span),
            meaning=None if self.meaning is None else parse_meaning_id(self.meaning),
            text=self.text,
            facets=tuple(self.facets),
            restriction=self.restriction(),
            limit=self.limit,
            examples=self.examples,
            over=_over(self.over),
        )


class ExportBody(RestrictedBody):
    """What is read out as OTLP."""

    signal: Signal = Field(Signal.SPANS, description="spans or logs")
    limit: int | None = Field(None, ge=1, description="items at most; all if not given")


def _over(signals: Sequence[str] | None) -> tuple[Signal, ...]:
    """Return each signal once, spans first; spans if none is named."""
    if signals is None:
        return (Signal.SPANS,)
    return tuple(signal for signal in Signal if signal in signals)
