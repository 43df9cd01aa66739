"""Bloom filters over ids and trace keys: which shards can be skipped.

Twelve bits a value and eight probes: one false hit in some 300. A miss is certain. Probes come
from double hashing of a 128-bit value that is a hash already (Kirsch & Mitzenmacher, 2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otel_vector.spans.ids import SpanId

__all__ = ["Bloom", "GrowingBloom", "halves_of_ids", "halves_of_keys"]

_PROBES: Final = np.arange(8, dtype=np.uint64)
_BITS_PER_VALUE: Final = 12
_FIRST_CAPACITY: Final = 4096
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)

Halves = NDArray[np.uint64]
"""Shape (n, 2): two 64-bit hashes of each value."""


def halves_of_ids(ids: Sequence[SpanId]) -> Halves:
    """Return content ids (32 hex digits) as pairs of 64-bit integers, shape (n, 2)."""
    return np.frombuffer(bytes.fromhex("".join(ids)), dtype=">u8").astype(np.uint64).reshape(-1, 2)


def halves_of_keys(keys: Sequence[int]) -> Halves:
    """Return 63-bit keys as pairs of 64-bit integers, shape (n, 2)."""
    first = np.fromiter(keys, dtype=np.uint64, count=len(keys))
    mixed = first * _MIX
    return np.stack((first, mixed ^ (mixed >> np.uint64(29))), axis=1)


class GrowingBloom:
    """Bloom filters in a row, each four times the one before: small shards stay small."""

    def __init__(self, saved: Sequence[bytes] = ()) -> None:
        """Start empty, or from what `to_bytes` returned; a saved one grows by a new filter."""
        self._parts = [Bloom(0, part) for part in saved]
        self._capacity, self._room = _FIRST_CAPACITY, 0

    def add(self, halves: Halves) -> None:
        """Add values, shape (n, 2)."""
        if self._room <= 0:
            self._parts.append(Bloom(self._capacity))
            self._room, self._capacity = self._capacity, self._capacity * 4
        self._parts[-1].add(halves)
        self._room -= len(halves)

    def contains(self, halves: Halves) -> NDArray[np.bool_]:
        """Return for each value whether it may be in the set, shape (n,)."""
        found = np.zeros(len(halves), dtype=np.bool_)
        for part in self._parts:
            found |= part.contains(halves)
        return found

    def to_bytes(self) -> list[bytes]:
        """Return the bits of each filter."""
        return [part.to_bytes() for part in self._parts]


class Bloom:
    """A set of hashes that may say yes wrongly and never says no wrongly."""

    def __init__(self, capacity: int, words: bytes | None = None) -> None:
        """Make an empty filter for `capacity` values, or one from the bytes of another."""
        size = 1 << max(6, (capacity * _BITS_PER_VALUE - 1).bit_length())
        empty = np.zeros(size // 8, dtype=np.uint8)
        self._bits = empty if words is None else np.frombuffer(words, dtype=np.uint8).copy()
        self._mask = np.uint64(len(self._bits) * 8 - 1)

    def add(self, halves: Halves) -> None:
        """Add values, shape (n, 2)."""
        positions = self._positions(halves).ravel()
        np.bitwise_or.at(self._bits, positions >> np.uint64(3), _bit(positions))

    def contains(self, halves: Halves) -> NDArray[np.bool_]:
        """Return for each value whether it may be in the set, shape (n,)."""
        positions = self._positions(halves)
        found = self._bits[positions >> np.uint64(3)] & _bit(positions)
        return np.asarray((found != 0).all(axis=1))

    def to_bytes(self) -> bytes:
        """Return the bits."""
        return self._bits.tobytes()

    def _positions(self, halves: Halves) -> NDArray[np.uint64]:
        with np.errstate(over="ignore"):
            mixed = halves[:, :1] + _PROBES * (halves[:, 1:] | np.uint64(1))
        return (mixed ^ (mixed >> np.uint64(31))) & self._mask


def _bit(positions: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return np.left_shift(np.uint8(1), (positions & np.uint64(7)).astype(np.uint8))
