"""Functions that are asked for by what they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from otel_vector.instrument.asking import Asked, Json
from otel_vector.instrument.conditions import Condition, conditions_of, holds, unknown_name
from otel_vector.instrument.paging import check_limit, rows
from otel_vector.instrument.plain_words import plain_words
from otel_vector.instrument.rows import FUNCTION_FIELDS, Row, function_row
from otel_vector.spans.functions import COLLECTION

__all__ = ["Metadata", "functions_about"]

_PAGE: Final = 50
_FARTHEST: Final = 1.0  # of what was found by its words alone


@dataclass(frozen=True, slots=True)
class Metadata:
    """How well a function answers; read as an attribute or by name.

    Attributes:
        distance: 1 minus the cosine of the best text and the question: 0 for the same meaning; 1
            where no vectors were compared.
        score: what the answer is ordered by; None without a question.
    """

    distance: float
    score: float | None

    def __getitem__(self, name: Literal["distance", "score"]) -> float | None:
        if name not in {"distance", "score"}:
            raise KeyError(name)
        value: float | None = getattr(self, name)
        return value


def functions_about(
    asked: Asked, query: str, limit: int, filters: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Return functions, those that answer best first; by name without a question.

    Raises:
        InvalidInputError: a name to filter by is unknown, or a value cannot be.
        OtelVectorError: the store does not answer.
    """
    check_limit(limit)
    found = list[dict[str, Any]]()
    for hit, row in _fulfilling(asked, query, min(limit, _PAGE), conditions_of(filters)):
        found.append({"properties": row, "metadata": _metadata(hit), "uuid": hit["key"]})
        if len(found) == limit:
            break
    return found


def _fulfilling(
    asked: Asked, query: str, page: int, conditions: list[Condition]
) -> Iterator[tuple[Json, Row]]:
    seen = set[str]()
    question = {"text": plain_words(query), "over": ["records"], "collections": [COLLECTION]}
    for hit in rows(asked, {**question, "limit": page}, "records"):
        row = function_row(asked.record(COLLECTION, hit["key"])["body"])
        seen.update(row)
        if all(holds(condition, row) for condition in conditions):
            yield hit, row
    for condition in conditions:
        if seen and condition.name not in seen:
            raise unknown_name(condition.name, seen | {*FUNCTION_FIELDS}, "the filter")


def _metadata(hit: Json) -> Metadata:
    why = hit["why"] or {}
    cosine = why.get("cosine")
    return Metadata(_FARTHEST if cosine is None else max(0.0, 1.0 - cosine), hit["score"])
