"""`POST /v1/search` and `POST /v1/similar`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from otel_vector.client.call import Call, Json, Paged, given, post
from otel_vector.client.options import SearchOptions, SimilarOptions
from otel_vector.client.shapes import (
    Group,
    GroupedAnswer,
    ListedAnswer,
    ScoredLogRecord,
    ScoredSpan,
)

__all__ = ["grouped", "listed", "search", "similar"]


def grouped(text: str = "", **more: Unpack[SearchOptions]) -> Paged[GroupedAnswer, Group]:
    """Ask by meaning."""
    return search(text, more | {"group": True})


def listed(
    text: str = "", **more: Unpack[SearchOptions]
) -> Paged[ListedAnswer, ScoredSpan | ScoredLogRecord]:
    """Ask span by span."""
    return search(text, more | {"group": False})


def search(question: str | Mapping[str, Any], more: Mapping[str, Any]) -> Paged[Any, Any]:
    """Ask with words or with a whole question, by meaning unless it says `group` is false."""
    whole = given(_question(question), more)
    member = "groups" if whole.get("group", True) else "spans"
    return Paged(whole, _page, member)


def similar(
    question: str | Mapping[str, Any], **more: Unpack[SimilarOptions]
) -> Call[GroupedAnswer]:
    """Ask for what is similar to a span, a meaning or a text."""
    return post("/v1/similar", given(_question(question), more))


def _page(question: Json) -> Call[Any]:
    return post("/v1/search", question)


def _question(question: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return words as the API takes them; a whole question as it stands."""
    if isinstance(question, str):
        return {"text": question or None}
    return question
