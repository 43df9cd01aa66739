"""A function as it is announced to a store: who it is, what it says of itself, its source.

The name is that of the attribute `code.function.name`, by which spans are linked to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["COLLECTION", "FunctionRecord", "Scalar", "is_name"]

COLLECTION: Final = "functions"
"""The collection of records that functions are kept in."""

Scalar = str | bool | int | float
"""What the value of a tag or switch may be."""

_LONGEST_NAME: Final = 400  # characters; a service in front of it makes the key of a record


@dataclass(frozen=True, slots=True)
class FunctionRecord:
    """One version of one function.

    Attributes:
        module: dotted name of its module; empty if it has none.
        qualname: `__qualname__` without its `<locals>` parts.
        signature: as it is written, with the parentheses.
        docstring: cleaned of indentation.
        source: dedented, with its decorators; empty where there is none to be read.
        source_hash: 16 hex digits of the source, or of what stands for it.
        file: relative to the root of its repository, with `/`.
        line: of its first decorator, or of `def`; 0 if it is not known.
        description: what it is found by, in the user's words.
        narrative: what comes before and after it, in the user's words.
        tags: names and values, by name.
        switches: what the decorator was told and differs from the default, by name.
    """

    module: str
    qualname: str
    signature: str = ""
    docstring: str = ""
    source: str = ""
    source_hash: str = ""
    file: str = ""
    line: int = 0
    description: str = ""
    narrative: str = ""
    tags: tuple[tuple[str, Scalar], ...] = ()
    switches: tuple[tuple[str, Scalar], ...] = ()

    @property
    def name(self) -> str:
        """The module, if it has one, and the qualified name: the value of `code.function.name`."""
        return f"{self.module}.{self.qualname}" if self.module else self.qualname


def is_name(module: str, qualname: str) -> bool:
    """Return whether a module and a qualified name can name a function in a store.

    A slash would have the function of one service be taken for that of another.
    """
    name = f"{module}.{qualname}"
    return bool(qualname) and len(name) <= _LONGEST_NAME and name.isprintable() and "/" not in name
