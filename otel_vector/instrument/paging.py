"""Answers of searches page after page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otel_vector.errors import InvalidInputError
from otel_vector.instrument.asking import Asked, Json

__all__ = ["LARGEST_PAGE", "check_limit", "pages", "rows"]

LARGEST_PAGE: Final = 200
"""Rows asked for at once."""


def check_limit(limit: int) -> None:
    """Refuse what is no number of rows.

    Raises:
        InvalidInputError: it is not at least 1.
    """
    if not isinstance(limit, int) or limit < 1:
        raise InvalidInputError(f"limit is a whole number from 1 on, not {limit!r}")


def pages(asked: Asked, question: Json, kind: str) -> Iterator[list[Json]]:
    """Yield the pages of a question to `POST /v1/search`.

    Args:
        asked: who answers.
        question: without a cursor.
        kind: `spans` or `records`.
    """
    cursor: str | None = ""
    while cursor is not None:
        answer = asked.search({**question, "cursor": cursor})
        yield answer[kind]
        cursor = answer["next"]


def rows(asked: Asked, question: Json, kind: str) -> Iterator[Json]:
    """Yield the rows of all pages; see `pages`."""
    for page in pages(asked, question, kind):
        yield from page
