"""Regular expressions of RE2 that have to match a whole text; what can be told of it otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import re2

from otel_vector.services.query_lexer import at
from otel_vector.spans.filters import Op

__all__ = ["Plain", "compiled", "plain"]

_MOST_BYTES: Final = 8 << 20
_PIECE: Final = re.compile(r"\\([^\w\s])|([^\\|()\[\]{}^$?+*.])", re.ASCII)
_ANY: Final = ".*"


@dataclass(frozen=True, slots=True)
class Plain:
    """What an expression without special characters says: a text equals, begins or contains."""

    op: Op
    texts: tuple[str, ...]


def compiled(pattern: str, position: int = 0) -> re2._Regexp:
    """Return an expression; the dot matches line breaks, too.

    Args:
        pattern: the expression.
        position: where it stands in the query, for the error.

    Raises:
        InvalidQueryError: RE2 cannot read it.
    """
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    options.max_mem = _MOST_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0] if error.args else error
        text = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        raise at(position, f"the regular expression cannot be read: {text}") from error


def plain(pattern: str) -> Plain | None:
    """Return what an expression says if it lists texts (`a|b`, `a.*`, `.*a.*`), or None."""
    found = [_alternative(part) for part in _alternatives(pattern)]
    ops = {one.op for one in found if one is not None}
    if None in found or len(ops) != 1:
        return None
    return Plain(ops.pop(), tuple(text for one in found if one is not None for text in one.texts))


def _alternatives(pattern: str) -> list[str]:
    """Split at bars; one behind a backslash stays."""
    return re.split(r"\|", pattern) if "\\|" not in pattern else [pattern]


def _alternative(part: str) -> Plain | None:
    is_open_before = part.startswith(_ANY)
    inner = part.removeprefix(_ANY)
    is_open_behind = inner.endswith(_ANY) and not inner.endswith(f"\\{_ANY}")
    text = _literal(inner.removesuffix(_ANY) if is_open_behind else inner)
    if text is None or (is_open_before and not is_open_behind):
        return None
    op = Op.CONTAINS if is_open_before else Op.PREFIX if is_open_behind else Op.EQ
    return Plain(op, (text,))


def _literal(pattern: str) -> str | None:
    pieces = list(_PIECE.finditer(pattern))
    if sum(len(piece[0]) for piece in pieces) != len(pattern):
        return None
    return "".join(piece[1] or piece[2] for piece in pieces)
