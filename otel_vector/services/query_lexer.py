"""The query string cut into tokens: conditions, quoted phrases, words, brackets, AND OR NOT."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from otel_vector.errors import InvalidQueryError
from otel_vector.services.query_terms import SCOPES

__all__ = ["Key", "Kind", "Token", "Value", "at", "tokens"]


class Kind(Enum):
    """What a token is."""

    OPEN = auto()
    CLOSE = auto()
    AND = auto()
    OR = auto()
    NOT = auto()
    PHRASE = auto()
    WORD = auto()
    TERM = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Key:
    """A field's name: quoted ones are attribute keys as they stand."""

    text: str
    quoted: bool = False
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """A value, whether it was quoted, and whether a star follows the closing quote."""

    text: str
    quoted: bool = False
    star: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        position: index of its first character.
        text: of a word or phrase.
        key, op, values: of a condition.
    """

    kind: Kind
    position: int
    text: str = ""
    key: Key = Key("")
    op: str = ""
    values: tuple[Value, ...] = ()


_BLANK: Final = re.compile(r"\s*")
_KEY: Final = re.compile(r"[^\W\d](?:[\w.\-/@$]*[\w$])?")
_SCOPE_QUOTE: Final = re.compile(rf"({'|'.join(SCOPES)})\.(?=\")")
_SYMBOL: Final = re.compile(r"\s*(!=|>=|<=|==|=|>|<|~)\s*(?=[^\s=<>~!)])")
_COLON: Final = re.compile(r":(?=[^\s:\\)])(?!//)")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_NEGATION: Final = re.compile(r'-(?=[^\W\d]|["(/])')
_ITEM: Final = re.compile(r"[^\s,()\"]+")
_EQUALS: Final = frozenset({":", "=", "=="})
_JOINTS: Final = {"AND": Kind.AND, "OR": Kind.OR, "NOT": Kind.NOT}


def at(position: int, message: str) -> InvalidQueryError:
    """Return the error for a place in the query."""
    return InvalidQueryError(f"at character {position + 1}: {message}")


def tokens(query: str) -> Iterator[Token]:
    """Yield the tokens of a query; the last one is END.

    Raises:
        InvalidQueryError: an unclosed quote or list.
    """
    position = _skip(query, 0)
    while position < len(query):
        token, position = _token(query, position)
        yield token
        position = _skip(query, position)
    yield Token(Kind.END, len(query))


def _skip(query: str, position: int) -> int:
    found = _BLANK.match(query, position)
    return found.end() if found else position


def _token(query: str, start: int) -> tuple[Token, int]:
    character = query[start]
    if character in "()":
        return Token(Kind.OPEN if character == "(" else Kind.CLOSE, start), start + 1
    if _NEGATION.match(query, start):
        return Token(Kind.NOT, start), start + 1
    condition = _condition(query, start)
    if condition:
        return condition
    if character == '"':
        text, end = _quoted(query, start)
        return Token(Kind.PHRASE, start, text), end
    end = _bare_end(query, start)
    word = query[start:end]
    return Token(_JOINTS.get(word, Kind.WORD), start, word), end


def _condition(query: str, start: int) -> tuple[Token, int] | None:
    named = _key(query, start)
    if named is None:
        return None
    key, end = named
    operator = _COLON.match(query, end) or _SYMBOL.match(query, end)
    if operator is None or key.text in _JOINTS:
        return None
    values, end = _values(query, operator.end())
    op = operator[0].strip()
    return Token(Kind.TERM, start, key=key, op="=" if op in _EQUALS else op, values=values), end


def _key(query: str, start: int) -> tuple[Key, int] | None:
    scoped = _SCOPE_QUOTE.match(query, start)
    quote = scoped.end() if scoped else start
    if query[quote : quote + 1] == '"':
        text, end = _quoted(query, quote)
        return Key(text, quoted=True, scope=scoped[1] if scoped else ""), end
    bare = _KEY.match(query, start)
    return (Key(bare[0]), bare.end()) if bare else None


def _quoted(query: str, start: int) -> tuple[str, int]:
    found = _QUOTED.match(query, start)
    if not found:
        raise at(start, 'a quote is not closed; end it with " (inside quotes write \\")')
    return _ESCAPED.sub(r"\1", found[1]), found.end()


def _values(query: str, start: int) -> tuple[tuple[Value, ...], int]:
    if query[start] == "(":
        return _list(query, start)
    value, end = _value(query, start)
    return (value,), end


def _value(query: str, start: int) -> tuple[Value, int]:
    if query[start] != '"':
        end = _bare_end(query, start)
        return Value(query[start:end]), end
    text, end = _quoted(query, start)
    star = query[end : end + 1] == "*"
    return Value(text, quoted=True, star=star), end + star


def _list(query: str, start: int) -> tuple[tuple[Value, ...], int]:
    values, position, separator = list[Value](), start, ""
    while separator != ")":
        position = _skip(query, position + 1)
        value, position = _item(query, position, start)
        values.append(value)
        position = _skip(query, position)
        separator = query[position : position + 1]
        if separator not in {",", ")"}:
            raise at(start, 'values are listed as (a, b, "c d"): commas between, ) at the end')
    return tuple(values), position + 1


def _item(query: str, position: int, start: int) -> tuple[Value, int]:
    if query[position : position + 1] == '"':
        return _value(query, position)
    found = _ITEM.match(query, position)
    if not found:
        raise at(start, 'a list misses a value; write it as (a, b, "c d")')
    return Value(found[0]), found.end()


def _bare_end(query: str, start: int) -> int:
    """Return where a word ends: at a blank, or at a bracket that it did not open."""
    depth = 0
    for position in range(start, len(query)):
        character = query[position]
        if character.isspace():
            return position
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return position
    return len(query)
