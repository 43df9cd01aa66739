"""Whether a partition's items are all in another store: counts and content hashes of both.

Ids are hashes of content, so a set of ids stands for the items themselves. They are computed
again from the blocks of both stores, not taken from what was written.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.spans.ids import SpanId, Tenant, content_hasher
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import TenantStore
from otel_vector.store.upkeep import Partition, StoredBlock, Upkeep

__all__ = ["Compared", "Comparison"]

_KEPT: Final = 4
"""Partitions of the target whose ids are kept, 16 bytes each: those of the source ask for the
same ones one after the other."""
_CHUNK: Final = 1_000
_SAMPLE: Final = 16

_Ids = NDArray[np.bytes_]


@dataclass(frozen=True, slots=True)
class Compared:
    """A partition, in the store it was copied from and in the one it was copied to.

    Attributes:
        tenant: whose it is.
        partition: its name in the source.
        items: spans and log records in the source.
        found: how many of them are in the target.
        content: hash of all items' content ids, 32 hex digits.
        found_content: the same of those that are in the target.
        wrong: what is wrong with it, for people; empty if nothing is.
    """

    tenant: str
    partition: str
    items: int
    found: int
    content: str
    found_content: str
    wrong: str = ""


class Comparison:
    """Compares partitions of one tenant."""

    def __init__(self, tenant: Tenant, source: TenantStore, target: TenantStore) -> None:
        """Prepare; nothing is read yet."""
        self._tenant = tenant
        self._source = source
        self._target = target
        self._ids: OrderedDict[str, _Ids] = OrderedDict()

    def of(self, partition: Partition, last: str) -> Compared:
        """Compare a partition up to and including a block of the source."""
        blocks = _up_to(self._source.upkeep, partition.name, last)
        by_signal = _ids_of(self._tenant, blocks)
        ours = _union(list(by_signal.values()))
        theirs = self._near(partition)
        found = ours[np.isin(ours, theirs, assume_unique=True)]
        wrong = self._without_point(by_signal) or self._unlike(by_signal)
        if len(found) < len(ours):
            wrong = f"{len(ours) - len(found):,} of {len(ours):,} items are missing"
        return Compared(
            self._tenant, partition.name, len(ours), len(found), _hash(ours), _hash(found), wrong
        )

    def _near(self, partition: Partition) -> _Ids:
        """Return the ids in the target's partitions of the same time."""
        near = [
            other.name
            for other in self._target.upkeep.partitions()
            if other.first_ns <= partition.last_ns and other.last_ns >= partition.first_ns
        ]
        return _union([self._in_target(name) for name in near])

    def _in_target(self, name: str) -> _Ids:
        known = self._ids.get(name)
        if known is None:
            found = _ids_of(self._tenant, self._target.upkeep.blocks(name))
            known = self._ids[name] = _union(list(found.values()))
        self._ids.move_to_end(name)
        while len(self._ids) > _KEPT:
            self._ids.popitem(last=False)
        return known

    def _without_point(self, by_signal: dict[Signal, _Ids]) -> str:
        """Return a sentence if the target has blocks of items that it cannot find by their id."""
        for signal, ids in by_signal.items():
            sample = _some(ids, _CHUNK)
            found = len(self._target.reader.items(signal, sample))
            if found < len(sample):
                return f"{len(sample) - found:,} of {len(sample):,} {signal.value} have no point"
        return ""

    def _unlike(self, by_signal: dict[Signal, _Ids]) -> str:
        """Return a sentence if some items read from both stores are not the same."""
        for signal, ids in by_signal.items():
            sample = _some(ids, _SAMPLE)
            here = self._source.reader.items(signal, sample)
            there = {item.id: item for item in self._target.reader.items(signal, sample)}
            for item in here:
                other = there.get(item.id)
                if other is None or other.message != item.message:
                    return f"the item {item.id} reads differently"
        return ""


def _up_to(upkeep: Upkeep, partition: str, last: str) -> Iterator[StoredBlock]:
    for block in upkeep.blocks(partition):
        if block.name > last:
            return
        yield block


def _ids_of(tenant: Tenant, blocks: Iterator[StoredBlock]) -> dict[Signal, _Ids]:
    found: dict[Signal, list[bytes]] = {}
    for block in blocks:
        found.setdefault(block.signal, []).append(_content_ids(tenant, block))
    return {
        signal: np.unique(np.frombuffer(b"".join(parts), "S16")) for signal, parts in found.items()
    }


def _union(parts: list[_Ids]) -> _Ids:
    if len(parts) == 1:
        return parts[0]
    return np.unique(np.concatenate([np.empty(0, "S16"), *parts]))


def _some(ids: _Ids, count: int) -> list[SpanId]:
    """Return some of the ids, spread evenly. As texts, since numpy drops zero bytes at the end."""
    joined = ids[:: max(1, len(ids) // count)].tobytes().hex()
    return [SpanId(joined[at : at + 32]) for at in range(0, len(joined), 32)]


def _hash(ids: _Ids) -> str:
    whole = np.frombuffer(ids.tobytes(), ">u8").reshape(-1, 2)
    mixed = np.bitwise_xor.reduce(whole, axis=0).astype(">u8")
    return str(mixed.tobytes().hex())


def _content_ids(tenant: Tenant, block: StoredBlock) -> bytes:
    """Return the content ids of a block's items, 16 bytes each, without deleted ones."""
    data: Any = (TracesData if block.signal is Signal.SPANS else LogsData).FromString(
        block.message
    )
    spans = block.signal is Signal.SPANS
    scopes_field, items_field = (
        ("scope_spans", "spans") if spans else ("scope_logs", "log_records")
    )
    made: list[bytes] = []
    for resource in data.resource_spans if spans else data.resource_logs:
        scopes = []
        for scope in getattr(resource, scopes_field):
            bodies = [i.SerializeToString(deterministic=True) for i in getattr(scope, items_field)]
            scope.ClearField(items_field)
            scopes.append((scope.SerializeToString(deterministic=True), bodies))
        resource.ClearField(scopes_field)
        header = resource.SerializeToString(deterministic=True)
        for scope_header, bodies in scopes:
            _add_ids(content_hasher(tenant, header, scope_header), bodies, made)
    return b"".join(made)


def _add_ids(base: blake2b, bodies: list[bytes], made: list[bytes]) -> None:
    for body in bodies:
        if body:
            hasher = base.copy()
            hasher.update(body)
            made.append(hasher.digest())
