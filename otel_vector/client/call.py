"""A request and how its answer is read, as values: nothing here has a connection.

Both clients make the same calls; only the way of the bytes differs between them. An answer is
a row of values: one for most calls, any number for streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

import orjson

from otel_vector.client.readers import JSON, read_json
from otel_vector.errors import InvalidInputError

__all__ = ["Call", "Json", "Paged", "Reader", "encoded", "get", "given", "post"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
P = TypeVar("P", bound=Mapping[str, Any])
R = TypeVar("R")

Json = dict[str, Any]
_CURSOR: Final = "cursor"


class Reader(Protocol[T_co]):
    """Reads one answer, part by part as it comes."""

    def feed(self, part: bytes) -> Iterable[T_co]:
        """Return the values that are whole with this part."""

    def end(self) -> Iterable[T_co]:
        """Return the values that the answer ends with."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request.

    Attributes:
        method: of HTTP.
        path: on the server, escaped.
        reader: makes what reads an answer; a new one for each try.
        params: of the query; None is left out, a sequence given repeatedly.
        body: bytes to send.
        media: their media type.
        accept: the media type of the answer.
        repeatable: doing it twice is the same as doing it once.
        patient: any time may pass before its answer and between the parts of it.
        answers: statuses of errors whose JSON is an answer all the same.
    """

    method: str
    path: str
    reader: Callable[[], Reader[T]]
    params: Mapping[str, Any] = field(default_factory=dict)
    body: bytes | None = None
    media: str = JSON
    accept: str = JSON
    repeatable: bool = True
    patient: bool = False
    answers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Paged(Generic[P, R]):
    """A question whose answer comes in pages.

    Attributes:
        question: what is asked, by name; `cursor` is where a page begins.
        page: makes the call for one page of it.
        member: of an answer, which holds its rows.
    """

    question: Json
    page: Callable[[Json], Call[P]]
    member: str

    @property
    def first(self) -> Call[P]:
        """The call for the page that the question itself names."""
        return self.page(self.question)

    def after(self, page: P) -> Call[P] | None:
        """Return the call for the page after one; None after the last."""
        cursor = page["next"]
        return self.page({**self.question, _CURSOR: cursor}) if cursor else None

    def rows(self, page: P) -> Sequence[R]:
        """Return what a page lists."""
        rows: Sequence[R] = page[self.member]
        return rows


def given(*parts: Mapping[str, Any]) -> Json:
    """Return values by name, those that are None left out; a later part wins."""
    return {name: value for part in parts for name, value in part.items() if value is not None}


def get(path: str, params: Mapping[str, Any] | None = None) -> Call[Any]:
    """Return the call that reads JSON."""
    return Call("GET", path, read_json, params=given(params or {}))


def post(path: str, body: Mapping[str, Any], *, repeatable: bool = True) -> Call[Any]:
    """Return the call that sends JSON and reads JSON.

    Raises:
        InvalidInputError: the body cannot be written as JSON.
    """
    return Call("POST", path, read_json, body=encoded(dict(body)), repeatable=repeatable)


def encoded(value: Any) -> bytes:
    """Return a value as JSON.

    Raises:
        InvalidInputError: it cannot be written as JSON.
    """
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise InvalidInputError(f"this cannot be sent as JSON: {error}") from error
