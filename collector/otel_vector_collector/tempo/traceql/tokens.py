"""A query cut into tokens: symbols, fields, values and words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from otel_vector.errors import InvalidQueryError
from otel_vector.services.query_lexer import at
from otel_vector.spans.filters import Attribute
from otel_vector_collector.tempo.traceql.expressions import Field, Literal, Type
from otel_vector_collector.tempo.traceql.literals import (
    DURATION,
    NUMBER,
    QUOTED,
    RAW,
    duration_ns,
    number,
    unquoted,
)
from otel_vector_collector.tempo.traceql.names import INTRINSICS, NIL, SCOPES, WORDS

__all__ = ["END", "Token", "tokens"]

END: Final = ""

_BLANK: Final = re.compile(r"\s*")
_SYMBOL: Final = re.compile(
    r"!>>|!<<|&>>|&<<|&&|\|\||!=|!~|!>|!<|=~|>=|<=|>>|<<|&>|&<|&~|[={}()<>!~|,+\-*/%^&]"
)
_SCOPED: Final = re.compile(r"(span|resource|event|link|instrumentation|parent|)\.(?![0-9])")
_INTRINSIC: Final = re.compile(r"(?:span|trace|event|link|instrumentation|parent):\w+")
_KEY_PART: Final = re.compile(r'[^\s{}()=~!<>&|^,"]+|"((?:[^"\\]|\\["\\])*)"')
_KEY_ESCAPE: Final = re.compile(r"\\(.)")
_WORD: Final = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        position: index of its first character.
        text: as it is written; empty at the end of the query.
        meant: the field or value it stands for; None for symbols and for words that are neither.
    """

    position: int
    text: str
    meant: Field | Literal | None = None

    @property
    def is_nil(self) -> bool:
        """Whether it is the word that stands for no value."""
        return self.text == NIL and self.meant is None


def tokens(query: str) -> Iterator[Token]:
    """Yield the tokens of a query; the last one is `END`, again and again.

    Raises:
        InvalidQueryError: a text that is not closed, or a character that nothing begins with.
    """
    position = 0
    while (position := _after_blanks(query, position)) < len(query):
        token = _token(query, position)
        yield token
        position += len(token.text)
    while True:
        yield Token(len(query), END)


def _after_blanks(query: str, position: int) -> int:
    found = _BLANK.match(query, position)
    return found.end() if found else position


def _token(query: str, start: int) -> Token:
    try:
        token = _text(query, start) or _field(query, start) or _number(query, start)
    except InvalidQueryError as error:
        raise at(start, str(error)) from error
    if token is not None:
        return token
    if symbol := _SYMBOL.match(query, start):
        return Token(start, symbol[0])
    if word := _WORD.match(query, start):
        return Token(start, word[0], INTRINSICS.get(word[0]) or WORDS.get(word[0]))
    raise at(start, f"{query[start : start + 20]!r} cannot be read here")


def _text(query: str, start: int) -> Token | None:
    quote = query[start]
    if quote not in '"`':
        return None
    found = (QUOTED if quote == '"' else RAW).match(query, start)
    if not found:
        raise InvalidQueryError(f"a text is not closed; end it with {quote}")
    meant = unquoted(found[1]) if quote == '"' else found[1]
    return Token(start, found[0], Literal(Type.TEXT, meant))


def _field(query: str, start: int) -> Token | None:
    if found := _INTRINSIC.match(query, start):
        if found[0] not in INTRINSICS:
            known = ", ".join(sorted(name for name in INTRINSICS if ":" in name))
            raise InvalidQueryError(f"{found[0]} is not understood; there are {known}")
        return Token(start, found[0], INTRINSICS[found[0]])
    scoped = _SCOPED.match(query, start)
    if not scoped:
        return None
    if scoped[1] == "parent":
        raise InvalidQueryError(
            "parent. is not understood: all conditions are on one span; ask for span. or resource."
        )
    key, end = _key(query, scoped.end())
    return Token(start, query[start:end], Attribute(key, SCOPES[scoped[1]]))


def _key(query: str, start: int) -> tuple[str, int]:
    """Return an attribute's key, of which parts may be in quotes, and where it ends."""
    key, position = "", start
    while found := _KEY_PART.match(query, position):
        is_quoted = found[1] is not None
        key += _KEY_ESCAPE.sub(r"\1", found[1]) if is_quoted else found[0]
        position = found.end()
    if query[position : position + 1] == '"':
        raise InvalidQueryError('a quoted key is not closed; end it with "')
    if not key:
        raise InvalidQueryError("an attribute's key is missing after the dot")
    return key, position


def _number(query: str, start: int) -> Token | None:
    if found := DURATION.match(query, start):
        return Token(start, found[0], Literal(Type.NUMBER, duration_ns(found[0])))
    if found := NUMBER.match(query, start):
        return Token(start, found[0], Literal(Type.NUMBER, number(found[0])))
    return None
