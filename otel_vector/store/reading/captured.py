"""Values that stand behind a key in a block's bytes, as numbers.

An AnyValue is a length, a tag and the value: ``18`` a varint, ``21`` a double, ``10`` a boolean,
``0a`` a text that may read as a number. The first bytes of every value of a block are decoded
together in numpy; what they do not tell is "unsure", and the items themselves are asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otel_vector.spans.values import number_of

__all__ = ["Numbers", "value_reader"]

Numbers = NDArray[np.float64]

_WIDTH: Final = 12  # length, tag, and the ten bytes of the longest varint
_VARINT: Final = 0x18
_DOUBLE: Final = 0x21
_BOOL: Final = 0x10
_TEXT: Final = 0x0A
_SHORT: Final = 9  # characters of a text that are captured behind its own length
_CONTINUES: Final = 0x80
_NUMERIC: Final = np.zeros(256, dtype=np.bool_)
_NUMERIC[list(b"+-.0123456789")] = True
_SHIFTS: Final = np.arange(10, dtype=np.uint64) * np.uint64(7)


def value_reader(key: bytes) -> Callable[[bytes], tuple[Numbers, bool]]:
    """Return a function that reads all values of a key in a block.

    Args:
        key: the bytes that stand before the value's length.

    Returns:
        A function of a block to its numbers as doubles (integers beyond 2**53 rounded), and
        whether there is a value that may be or hold a number besides.
    """
    # A look-ahead, since the bytes after a short value may be the key again.
    find_all = re.compile(re.escape(key) + rb"(?=((?s:.{0,12})))").findall

    def read(block: bytes) -> tuple[Numbers, bool]:
        values = find_all(block)
        if not values:
            return np.empty(0), False
        joined = b"".join(values)
        if len(joined) < len(values) * _WIDTH:  # at the block's end
            joined = b"".join(value.ljust(_WIDTH, b"\0") for value in values)
        return _numbers(np.frombuffer(joined, dtype=np.uint8).reshape(-1, _WIDTH))

    return read


def _numbers(raw: NDArray[np.uint8]) -> tuple[Numbers, bool]:
    """Decode the beginnings of values, shape (n, 12)."""
    long = raw[:, 0] >= _CONTINUES  # a length of two bytes or more: a long text, list or map
    tag = np.where(long, raw[:, 2], raw[:, 1])
    is_integer = ~long & (tag == _VARINT)
    is_double = ~long & (tag == _DOUBLE)
    is_text = tag == _TEXT
    reads_numeric = is_text & _NUMERIC[np.where(long, raw[:, 5], raw[:, 3])]
    is_short = reads_numeric & ~long & (raw[:, 2] <= _SHORT)
    told = is_integer | is_double | is_text | (~long & (tag == _BOOL))
    unsure = bool((~told | (reads_numeric & ~is_short)).any())
    parts = [_varints(raw[is_integer, 2:])]
    if is_double.any():
        parts.append(raw[is_double, 2:10].copy().view("<f8").ravel())
    if is_short.any():
        parts.append(_texts(raw[is_short, 2:]))
    return np.concatenate(parts), unsure


def _varints(raw: NDArray[np.uint8]) -> Numbers:
    """Decode varints, a row each, least significant byte first; other bytes may follow."""
    more = np.logical_and.accumulate(raw >= _CONTINUES, axis=1)
    belongs = np.concatenate((np.ones((len(raw), 1), dtype=np.bool_), more[:, :-1]), axis=1)
    bits = np.where(belongs, raw & np.uint8(0x7F), np.uint8(0)).astype(np.uint64)
    signed: NDArray[np.int64] = (bits << _SHIFTS).sum(axis=1, dtype=np.uint64).view(np.int64)
    return signed.astype(np.float64)


def _texts(raw: NDArray[np.uint8]) -> Numbers:
    """Read short texts, a row each: their length, then their characters."""
    texts = [row[1 : 1 + row[0]].tobytes().decode("ascii", "replace") for row in raw]
    numbers = [number for text in texts if (number := number_of(text)) is not None]
    return np.array(numbers, dtype=np.float64)
