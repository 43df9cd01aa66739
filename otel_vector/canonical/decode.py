"""Canonical text back to values.

A text may come from anybody. Decoding it imports no module, calls no class of an application, and
ends in a value or in one kind of error.
"""

from __future__ import annotations

from typing import Any, Final

from otel_vector.canonical.tags import TAG, Tree
from otel_vector.errors import InvalidInputError

__all__ = ["value_of"]

_MOST_DEPTH: Final = 256
"""Levels of JSON; a value of the greatest depth that is written has fewer."""


def value_of(text: str) -> Any:
    """Return the value that a canonical text stands for.

    What cannot come back is an `Opaque` or `Unresolved` in its place. Members of sets and keys of
    dicts are hashed, which for classes with a `__hash__` of their own runs it.

    Raises:
        InvalidInputError: the text is not canonical.
    """
    from orjson import loads

    try:
        return _Reader().value(loads(text))
    except InvalidInputError:
        raise
    except Exception as error:
        raise InvalidInputError(
            f"not the canonical text of a value: {type(error).__name__}: {error}"
        ) from error


class _Reader:
    """Decodes one text; knows how deep it is."""

    __slots__ = ("_depth",)

    def __init__(self) -> None:
        self._depth = 0

    def value(self, tree: Tree) -> Any:
        """Return the value of a part."""
        cls = type(tree)
        if cls is not dict and cls is not list:
            return tree
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise InvalidInputError(f"more than {_MOST_DEPTH} values within each other")
        made = [self.value(part) for part in tree] if cls is list else self._object(tree)
        self._depth -= 1
        return made

    def _object(self, tree: dict[str, Tree]) -> Any:
        if TAG not in tree:
            return {key: self.value(part) for key, part in tree.items()}
        from otel_vector.canonical.rebuild import REBUILDERS
        from otel_vector.canonical.restore import RESTORERS

        tag = tree[TAG]
        make = RESTORERS.get(tag) or REBUILDERS.get(tag)
        if make is None:
            raise InvalidInputError(f"no values are tagged {tag!r}; a newer version may know them")
        return make(tree, self.value)
