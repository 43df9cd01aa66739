"""Blocks of a partition, some at a time, described again and ready to be written elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from otel_vector.spans.batch import Batch, without_rows
from otel_vector.spans.meanings import Signal
from otel_vector.store.upkeep import Describe, Upkeep

__all__ = ["Lot", "lots_of"]

_BYTES: Final = 1 << 20
"""Bytes of one lot, some 3,000 spans: small blocks are joined, large ones are not cut."""


@dataclass(slots=True)
class Lot:
    """Some blocks of a partition, described.

    Attributes:
        partition: the partition's name.
        last: name of the last block in it.
        batches: what the blocks hold, at most one of each signal; deleted items are left out.
    """

    partition: str
    last: str = ""
    batches: list[Batch] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(map(len, self.batches))


def lots_of(upkeep: Upkeep, partition: str, after: str, describe: Describe) -> Iterator[Lot]:
    """Yield a partition's blocks after one of them, in the order of names."""
    parts: dict[Signal, list[bytes]] = {}
    size, last = 0, ""
    for block in upkeep.blocks(partition, after):
        parts.setdefault(block.signal, []).append(block.message)
        size, last = size + len(block.message), block.name
        if size >= _BYTES:
            yield _lot(partition, last, parts, describe)
            parts, size = {}, 0
    if parts:
        yield _lot(partition, last, parts, describe)


def _lot(partition: str, last: str, parts: dict[Signal, list[bytes]], describe: Describe) -> Lot:
    # Serialised messages put one after the other are one message with the items of all.
    described = [describe(signal, b"".join(messages)) for signal, messages in parts.items()]
    return Lot(partition, last, [batch for b in described if len(batch := _without_blanks(b))])


def _without_blanks(batch: Batch) -> Batch:
    blanks = {i for i, body in zip(batch.ids, batch.bodies, strict=True) if not body}
    return without_rows(batch, blanks)
