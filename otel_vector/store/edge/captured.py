"""Values that a regular expression captured behind a key, as numbers.

An AnyValue is a length, a tag and the value: ``18`` a varint, ``21`` a double, ``10`` a boolean,
``0a`` a text that may read as a number. A block holds hundreds, so they are decoded in numpy,
all of one length at a time.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from otel_vector.spans.values import number_of

__all__ = ["CAPTURE", "Numbers", "captured_numbers"]

Numbers = NDArray[np.float64]

CAPTURE: Final = (
    rb"(?s:([\x02-\x0b]\x18[\x80-\xff]{0,9}[\x00-\x7f]"  # int_value, a varint
    rb"|\x09\x21.{8}"  # double_value, little-endian
    rb"|\x02\x10."  # bool_value
    rb"|(?:[\x02-\x7f]|[\x80-\xff]{1,4}[\x00-\x7f])\x0a"  # string_value …
    rb"(?:(?:[\x00-\x7f]|[\x80-\xff][\x00-\x7f])[-+0-9.eE]{1,301})?"  # … perhaps a number
    rb"|.))"
)

_VARINT: Final = 0x18
_DOUBLE: Final = 0x21
_DOUBLE_BYTES: Final = 10  # length, tag and eight bytes
_BOOL: Final = 0x10
_TEXT_TAG: Final = b"\x0a"


def captured_numbers(values: list[bytes]) -> tuple[Numbers, bool]:
    """Return captured values as doubles, and whether one of them cannot be told.

    Texts that are no numbers and booleans are left out. Integers beyond 2**53 are rounded.
    """
    found: list[Numbers] = []
    unsure = False
    for length in set(map(len, values)):
        if length == 1:
            unsure = True
            continue
        joined = b"".join([value for value in values if len(value) == length])
        numbers, doubtful = _of_one_length(joined, length)
        found += numbers
        unsure = unsure or doubtful
    return (np.concatenate(found) if found else np.empty(0)), unsure


def _of_one_length(joined: bytes, length: int) -> tuple[list[Numbers], bool]:
    raw = np.frombuffer(joined, dtype=np.uint8).reshape(-1, length)
    tags = raw[:, 1]
    is_integer = tags == _VARINT
    is_double = (tags == _DOUBLE) & (length == _DOUBLE_BYTES)
    found = [_varints(raw[is_integer, 2:])]
    if is_double.any():
        found.append(raw[is_double, 2:].copy().view("<f8").ravel())
    texts = raw[~(is_integer | is_double | (tags == _BOOL))]
    numbers = [_number_in(row.tobytes()) for row in texts]
    found.append(np.array([n for n in numbers if n is not None], dtype=np.float64))
    return found, None in numbers


def _varints(raw: NDArray[np.uint8]) -> Numbers:
    """Decode varints of one length, a row each, least significant byte first."""
    shifts = np.arange(raw.shape[1], dtype=np.uint64) * np.uint64(7)
    whole = ((raw.astype(np.uint64) & np.uint64(0x7F)) << shifts).sum(axis=1, dtype=np.uint64)
    signed: NDArray[np.int64] = whole.view(np.int64)
    return signed.astype(np.float64)


def _number_in(value: bytes) -> float | None:
    """Return the number that a captured text reads as; NaN if it is none, None if unsure."""
    text = value.split(_TEXT_TAG, 1)[1]
    if not text:
        return float("nan")
    number = number_of(text[2 if text[0] & 0x80 else 1 :].decode("ascii"))
    return None if number is None else float(number)
