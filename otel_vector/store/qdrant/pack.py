"""Span points as bytes of the protocol, a whole batch at a time.

Rows with as many meanings and keys as each other have the same shape: one template of bytes, in
which numpy fills in the columns. Numbers are varints of a fixed width, the longer ones padded,
which every protobuf parser reads. That costs a tenth of building messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from qdrant_client import grpc as pb

from otel_vector.spans.batch import Batch, varint

__all__ = ["Placed", "packed"]

_WIDE: Final = 9
"""Bytes of a varint of 63 bits."""
_WIDTHS: Final = {"t": _WIDE, "s": 8, "n": 2, "d": 2, "p": 3}
"""Payload field → bytes: microseconds below 2**64 / 1000, rests below 1000, positions < 2**21."""
_STREAM: Final = {"live": 0, "other": 1, "logs": 2}
_VECTOR: Final = pb.PointStruct(
    vectors=pb.Vectors(vector=pb.Vector(dense=pb.DenseVector(data=[1.0])))
).SerializeToString()

Column = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Placed:
    """Rows of a batch, and where their spans are stored.

    Attributes:
        rows: indexes into the batch.
        block: id of their block, 32 hex digits; a row's position in it is its index here.
        stream: live, other or logs.
        day: days since the epoch.
        tenant: whose they are.
        positions: of each row in its block, where that is not its index here.
    """

    rows: Sequence[int]
    block: str
    stream: str
    day: int
    tenant: str
    positions: Sequence[int] | None = None


@dataclass(slots=True)
class _Template:
    """Bytes of a point in the making, and where its columns go."""

    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    places: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, data: bytes) -> None:
        self.parts.append(data)
        self.size += len(data)

    def hole(self, name: str, width: int) -> None:
        self.places[name] = (self.size, width)
        self.add(bytes(width))

    def entry(self, key: str, value_size: int) -> None:
        """Begin a payload entry whose value takes so many bytes."""
        name = b"\x0a" + varint(len(key)) + key.encode()
        value = b"\x12" + varint(value_size)
        self.add(b"\x1a" + varint(len(name) + len(value) + value_size) + name + value)

    def number(self, key: str, width: int) -> None:
        self.entry(key, 1 + width)
        self.add(b"\x18")
        self.hole(key, width)

    def text(self, key: str, text: str) -> None:
        raw = text.encode()
        data = b"\x22" + varint(len(raw)) + raw
        self.entry(key, len(data))
        self.add(data)

    def constant(self, key: str, number: int) -> None:
        data = b"\x18" + varint(number)
        self.entry(key, len(data))
        self.add(data)

    def numbers(self, key: str, count: int) -> None:
        """A list of 63-bit numbers; a single one stands alone, none is left out."""
        if count == 1:
            self.number(f"{key}", _WIDE)
            self.places[f"{key}0"] = self.places.pop(key)
        elif count:
            body = count * (3 + _WIDE)
            head = b"\x3a" + varint(body)
            self.entry(key, len(head) + body)
            self.add(head)
            for at in range(count):
                self.add(b"\x0a" + varint(1 + _WIDE) + b"\x18")
                self.hole(f"{key}{at}", _WIDE)


def packed(batch: Batch, placed: Placed) -> list[bytes]:
    """Return points as serialised `UpsertPoints.points`, in parts of one shape each."""
    shapes: dict[tuple[int, int], list[int]] = {}
    meanings, keys = batch.meanings, batch.keys
    for position, row in enumerate(placed.rows):
        shapes.setdefault((_distinct(meanings[row]), _distinct(keys[row])), []).append(position)
    return [_shaped(batch, placed, positions, *shape) for shape, positions in shapes.items()]


def _distinct(values: Sequence[int]) -> int:
    count = len(values)
    return count if count < 2 else len(set(values))  # noqa: PLR2004 -- one is itself


def _shaped(
    batch: Batch, placed: Placed, positions: Sequence[int], meanings: int, keys: int
) -> bytes:
    template = _template(placed, meanings, keys)
    head = b"\x1a" + varint(template.size)
    rows = [placed.rows[position] for position in positions]
    whole = head + b"".join(template.parts)
    points = np.tile(np.frombuffer(whole, dtype=np.uint8), (len(rows), 1))

    def fill(name: str, values: NDArray[np.uint8]) -> None:
        start, width = template.places[name]
        points[:, len(head) + start : len(head) + start + width] = values

    ids = "".join([batch.ids[row] for row in rows]).encode()
    fill("id", np.frombuffer(ids, dtype=np.uint8).reshape(-1, 32))
    starts = _column([batch.start_ns[row] for row in rows])
    columns = {
        "t": _column([batch.traces[row] for row in rows]),
        "s": starts // np.uint64(1000),
        "n": starts % np.uint64(1000),
        "d": _column([batch.buckets[row] for row in rows]),
        "p": _column(_places(placed, positions)),
    }
    for name, values in columns.items():
        fill(name, _varints(values, _WIDTHS[name]))
    for name, count, lists in (("m", meanings, batch.meanings), ("k", keys, batch.keys)):
        if count:
            flat = _column([v for row in rows for v in dict.fromkeys(lists[row])])
            table = flat.reshape(-1, count)
            for at in range(count):
                fill(f"{name}{at}", _varints(table[:, at], _WIDE))
    return points.tobytes()


def _places(placed: Placed, positions: Sequence[int]) -> Sequence[int]:
    if placed.positions is None:
        return positions
    return [placed.positions[position] for position in positions]


def _template(placed: Placed, meanings: int, keys: int) -> _Template:
    template = _Template()
    template.add(b"\x0a\x22\x12\x20")  # id, 34 bytes: uuid, 32 bytes
    template.hole("id", 32)
    template.text("tenant", placed.tenant)
    template.constant("r", _STREAM[placed.stream])
    template.constant("y", placed.day)
    template.text("b", placed.block)
    for name, width in _WIDTHS.items():
        template.number(name, width)
    template.numbers("m", meanings)
    template.numbers("k", keys)
    template.add(_VECTOR)
    return template


def _column(values: Sequence[int]) -> Column:
    return np.array(values, dtype=np.uint64)


def _varints(values: Column, width: int) -> NDArray[np.uint8]:
    """Return numbers as varints of one width, a row each."""
    shifts = np.arange(width, dtype=np.uint64) * np.uint64(7)
    groups: NDArray[Any] = (values[:, None] >> shifts) & np.uint64(0x7F)
    groups[:, :-1] |= np.uint64(0x80)
    return groups.astype(np.uint8)
