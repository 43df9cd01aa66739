"""What the parts of the encoder share: tagged trees, and the walk that makes them.

A tree is JSON as Python has it. What JSON has no type for is an object that names its type under
`$ov`; a dict of an application that has this key itself is tagged like one with keys of any type.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Any, Final, Protocol

__all__ = [
    "MOST_DEPTH",
    "MOST_WEIGHT",
    "OPAQUE",
    "TAG",
    "WEIGHT_BITS",
    "Handler",
    "Tree",
    "Walker",
    "check_length",
]

TAG: Final = "$ov"
OPAQUE: Final = '{"$ov":"opaque"'
"""How the text of an opaque part begins; no text within a text can look like it."""

MOST_DEPTH: Final = 64
"""Values within values; what is deeper is opaque."""

MOST_WEIGHT: Final = 100_000
"""Parts of a value: each value in it is one, and so are 256 characters or bytes."""

WEIGHT_BITS: Final = 8

Tree = Any
"""None, bool, int, float, str, list or dict with text keys, through and through."""


class Walker(Protocol):
    """Makes trees of the parts of a value."""

    def tree(self, value: Any) -> Tree:
        """Return the tree of a part; it is opaque where it cannot be read."""

    def weigh(self, units: int) -> None:
        """Count characters or bytes that a part has.

        Raises:
            OverflowError: they are too many to be read.
        """


Handler = Callable[[Walker, Any], Tree]
"""Makes the tree of a value of one type; what it raises makes the value opaque."""


def check_length(value: Sized) -> None:
    """Look at a container's length before it is read.

    Raises:
        OverflowError: it has more parts than are read.
    """
    if len(value) > MOST_WEIGHT:
        raise OverflowError(f"{len(value)} parts")
