"""Blocks on the server: the truth. One compressed OTLP message per point.

::

    r, y        stream, day
    lo, hi      first and last start, microseconds
    size        bytes of the message
    parts       ends of its parts in rows and in bytes, JSON
    data        zstd, base64
    v           changes with every rewriting
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from secrets import randbits
from typing import Any, Final

import orjson
import zstandard
from qdrant_client import grpc as pb

from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Signal
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.render import render
from otel_vector.store.qdrant.schema import Schema
from otel_vector.store.qdrant.values import plain
from otel_vector.store.reading.blanks import blanked
from otel_vector.store.reading.blocks import BlockBytes
from otel_vector.store.reading.cache import BlockCache, CachedBlock
from otel_vector.store.reading.conditions import equals_any

__all__ = ["STREAMS", "BlockHead", "Blocks", "NewBlock"]

STREAMS: Final = {"live": 0, "other": 1, "logs": 2}
_HEAD: Final = ("r", "y", "lo", "hi", "size")
_READ: Final = 16
_NONCE: Final = 62
_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class BlockHead:
    """What a scan knows of a block before it reads it."""

    id: str
    stream: str
    day: int
    min_us: int
    max_us: int
    size: int

    @property
    def signal(self) -> Signal:
        """Spans or logs."""
        return Signal.LOGS if self.stream == "logs" else Signal.SPANS


@dataclass(frozen=True, slots=True)
class NewBlock:
    """A block to be stored; times in nanoseconds."""

    id: str
    stream: str
    day: int
    min_ns: int
    max_ns: int
    parts: Sequence[tuple[int, bytes]]


class Blocks:
    """The blocks of one tenant."""

    def __init__(self, bound: Bound, schema: Schema, cache: BlockCache, level: int) -> None:
        """Keep blocks, and those read lately in a cache."""
        self._bound = bound
        self._schema = schema
        self._cache = cache
        self._level = level

    def add(self, blocks: Sequence[NewBlock]) -> None:
        """Store blocks; one that is there stays as it is."""
        by_day: dict[int, list[Any]] = {}
        for block in blocks:
            by_day.setdefault(block.day, []).append(self._point(block))
        calls = []
        for day, points in by_day.items():
            request = pb.UpsertPoints(
                collection_name=self._bound.names.of("blocks"), wait=True, points=points,
                update_mode=pb.UpdateMode.InsertOnly,
                shard_key_selector=self._schema.selector("blocks", day),
            )  # fmt: skip
            calls.append(("Points/Upsert", request))
        self._bound.connection.gather(calls)

    def _point(self, block: NewBlock) -> Any:
        message = b"".join(data for _, data in block.parts)
        rows = list(accumulate(count for count, _ in block.parts))
        ends = list(accumulate(len(data) for _, data in block.parts))
        fields = {
            "r": STREAMS[block.stream],
            "y": block.day,
            "lo": block.min_ns // 1000,
            "hi": block.max_ns // 1000,
            **self._content(BlockBytes(message, rows, ends)),
        }
        return self._bound.point(block.id, fields)

    def _content(self, block: BlockBytes) -> dict[str, Any]:
        data = zstandard.ZstdCompressor(level=self._level).compress(block.message)
        return {
            "size": len(block.message),
            "parts": orjson.dumps([list(block.row_ends), list(block.byte_ends)]).decode(),
            "data": b64encode(data).decode(),
            "v": randbits(_NONCE),
        }

    def heads(self, streams: Sequence[str], must: Sequence[Any] = ()) -> list[BlockHead]:
        """Return what is known of the blocks of some streams under conditions, in no order."""
        held = render(equals_any("r", [STREAMS[s] for s in streams]))
        found = self._bound.scroll("blocks", [held, *must], fields=_HEAD)
        return [_head(point) for point in found]

    def read(self, ids: Collection[str]) -> dict[str, BlockBytes]:
        """Return those blocks that are stored."""
        found = {}
        wanted = list(ids)
        for start in range(0, len(wanted), _READ):
            part = wanted[start : start + _READ]
            for point in self._bound.these("blocks", part, fields=("parts", "data")):
                found[point.id.uuid.replace("-", "")] = _bytes(plain(point.payload))
        return found

    def item(self, name: str, position: int, signal: Signal) -> Item | None:
        """Return the item at a position of a block; None if it is not there any more."""
        block = self._cached([name], signal).get(name)
        item = block.item(position) if block is not None else None
        return item if item is not None and item.message.ByteSize() else None

    def items(self, places: Sequence[tuple[str, int]], signal: Signal) -> list[Item | None]:
        """Return the items at places, each a block and a position in it."""
        found: list[Item | None] = []
        for start in range(0, len(places), 256):
            part = places[start : start + 256]
            blocks = self._cached(list(dict.fromkeys(name for name, _ in part)), signal)
            for name, position in part:
                block = blocks.get(name)
                item = block.item(position) if block is not None else None
                found.append(item if item is not None and item.message.ByteSize() else None)
        return found

    def _cached(self, names: Sequence[str], signal: Signal) -> dict[str, CachedBlock]:
        kept = {name: self._cache.get((name, 0)) for name in names}
        missing = [name for name, block in kept.items() if block is None]
        found = {name: block for name, block in kept.items() if block is not None}
        for name, stored in self.read(missing).items():
            found[name] = self._cache.keep((name, 0), CachedBlock(signal, stored))
        return found

    def blank(self, name: str, signal: Signal, positions: Collection[int]) -> None:
        """Take items out of a block for good; the block goes when nothing is left in it."""
        for _ in range(_TRIES):
            points = list(self._bound.these("blocks", [name]))
            if not points:
                return
            payload = plain(points[0].payload)
            rest = blanked(signal, _bytes(payload), positions)
            same = render(equals_any("v", [payload["v"]]))
            if rest is None:
                self._bound.delete("blocks", [_this(name), same])
            else:
                self._bound.set_fields("blocks", [_this(name), same], self._content(rest))
            left = list(self._bound.these("blocks", [name], fields=("v",)))
            changed = not left or plain(left[0].payload)["v"] != payload["v"]
            if changed and self._is_blank(name, signal, positions):
                break
        self._cache.drop(name)

    def _is_blank(self, name: str, signal: Signal, positions: Collection[int]) -> bool:
        """Whether the items are gone, whoever wrote last."""
        stored = self.read([name]).get(name)
        if stored is None:
            return True
        block = CachedBlock(signal, stored)
        return all(not block.item(position).message.ByteSize() for position in positions)

    def stored(self, day: int, after: str) -> Iterator[tuple[BlockHead, BlockBytes]]:
        """Yield a day's blocks in the order of names, after one of them."""
        held = render(equals_any("y", [day]))
        for point in self._bound.scroll("blocks", [held], after=after, page=_READ):
            head = _head(point)
            if head.id > after:
                yield head, _bytes(plain(point.payload))


def _this(name: str) -> Any:
    return pb.Condition(has_id=pb.HasIdCondition(has_id=[pb.PointId(uuid=name)]))


def _head(point: Any) -> BlockHead:
    fields = plain(point.payload)
    stream = next(name for name, number in STREAMS.items() if number == fields["r"])
    name = point.id.uuid.replace("-", "")
    return BlockHead(name, stream, fields["y"], fields["lo"], fields["hi"], fields["size"])


def _bytes(fields: Mapping[str, Any]) -> BlockBytes:
    message = zstandard.ZstdDecompressor().decompress(b64decode(fields["data"]))
    return BlockBytes(message, *orjson.loads(fields["parts"]))
