"""Goes through a value and makes its tree; whatever it meets, it ends and does not raise.

A part is opaque where it would be within itself, deeper than `MOST_DEPTH`, heavier than
`MOST_WEIGHT`, or cannot be read. This follows from the part and what it is within, not from what
was met before it, so that sets and dicts have one text in any order.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

from otel_vector.canonical.kinds import KEPT, handler_of
from otel_vector.canonical.opaque import opaque_tree
from otel_vector.canonical.tags import MOST_DEPTH, MOST_WEIGHT, TAG, WEIGHT_BITS, Tree

__all__ = ["Walk", "text_tree"]

_MOST_READ: Final = 4 * MOST_WEIGHT
"""What is read over all, also of parts that end as opaque: a value may refer to one part often."""
_LOW, _HIGH = -(1 << 63), (1 << 64) - 1
"""Numbers that every JSON parser of ours keeps as they are."""
_DECIMAL_BITS: Final = 2_000
"""Above it a number is written in hexadecimal, which takes no time and has no bound in Python."""


class _EndlessError(Exception):
    """There is more to a value than can be gone through."""


class Walk:
    """Makes the tree of one value."""

    __slots__ = ("_dropped", "_open", "_weight")

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._weight = 0
        self._dropped = 0

    def whole(self, value: Any) -> Tree:
        """Return the tree of the whole value."""
        try:
            return self.tree(value)
        except _EndlessError:
            return opaque_tree(value, "too much")

    def tree(self, value: Any) -> Tree:
        """Return the tree of a part."""
        cls = type(value)
        if cls is str:
            return self._text(value)
        if cls is int:
            self._weight += 1
            return value if _LOW <= value <= _HIGH else {TAG: "int", "v": _digits(value)}
        if cls is bool or value is None:
            self._weight += 1
            return value
        if cls is float:
            self._weight += 1
            return value if value - value == 0.0 else {TAG: "float", "v": str(value)}
        return self._composed(value, cls)

    def weigh(self, units: int) -> None:
        """Count characters or bytes; a part that has too many is not read."""
        self._weight += units >> WEIGHT_BITS
        if units >> WEIGHT_BITS > MOST_WEIGHT:
            raise OverflowError(f"{units} characters or bytes in one part")

    def _text(self, text: str) -> Tree:
        units = len(text) >> WEIGHT_BITS
        self._weight += 1
        if units > MOST_WEIGHT:
            return opaque_tree(text, "too much")
        self._weight += units
        return text if text.isascii() else text_tree(text)

    def _composed(self, value: Any, cls: type) -> Tree:
        key, opened, before = id(value), self._open, self._weight
        self._weight = before + 1
        if before + self._dropped > _MOST_READ:
            raise _EndlessError
        if key in opened or len(opened) >= MOST_DEPTH:
            return opaque_tree(value, "within itself" if key in opened else "too deep")
        opened.add(key)
        try:
            tree = (KEPT.get(cls) or handler_of(cls))(self, value)
        except _EndlessError:
            raise
        except OverflowError:
            return self._dropping(value, before, "too much")
        except Exception:  # noqa: BLE001 -- whatever an application's class can raise
            return self._dropping(value, before, "cannot be read")
        finally:
            opened.discard(key)
        if self._weight - before > MOST_WEIGHT:
            return self._dropping(value, before, "too much")
        return tree

    def _dropping(self, value: Any, before: int, why: str) -> Tree:
        self._dropped += self._weight - before
        self._weight = before + 1
        return opaque_tree(value, why)


def text_tree(text: str) -> Tree:
    """Return the tree of a text: itself, or tagged if it has no UTF-8."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return {TAG: "str", "v": b64encode(text.encode("utf-8", "surrogatepass")).decode()}
    return text


def _digits(number: int) -> str:
    return str(number) if number.bit_length() <= _DECIMAL_BITS else hex(number)
