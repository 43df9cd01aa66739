"""What a tenant has besides items: tombstones and records, carried from one store to another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otel_vector.maintain.vectors import VectorCarrier
from otel_vector.spans.ids import SpanId
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import TenantStore
from otel_vector.store.records import Draft, Record
from otel_vector.store.upkeep import Upkeep

__all__ = ["carry_records", "carry_tombstones"]

_PAGE: Final = 1_000


def carry_tombstones(source: TenantStore, target: TenantStore) -> int:
    """Make the target forget what the source has forgotten; return how many tombstones were new.

    Items that are in the target, from an earlier run, are deleted.
    """
    known = _tombstones(target.upkeep)
    theirs = next(known, None)
    new: list[SpanId] = []
    count = 0
    for ours in _tombstones(source.upkeep):
        while theirs is not None and theirs < ours:
            theirs = next(known, None)
        if ours == theirs:
            continue
        new.append(ours)
        if len(new) >= _PAGE:
            count += _forget(target, new)
            new = []
    return count + _forget(target, new)


def _forget(target: TenantStore, ids: list[SpanId]) -> int:
    for signal in Signal:
        stored = [item.id for item in target.reader.items(signal, ids)]
        if stored:
            target.writer.delete(signal, stored)
    if ids:
        target.upkeep.bury(ids)
    return len(ids)


def _tombstones(upkeep: Upkeep) -> Iterator[SpanId]:
    page = upkeep.tombstones(None, _PAGE)
    while page:
        yield from page
        page = upkeep.tombstones(page[-1], _PAGE)


def carry_records(source: TenantStore, target: TenantStore, vectors: VectorCarrier) -> int:
    """Copy all versions of all records that the target lacks; return how many versions."""
    return sum(
        _carry_versions(source, target, record, vectors)
        for collection in source.records.collections()
        for record in _records(source, collection)
    )


def _records(source: TenantStore, collection: str) -> Iterator[Record]:
    page = source.records.page(collection, _PAGE)
    while page:
        yield from page
        page = source.records.page(collection, _PAGE, page[-1].key)


def _carry_versions(
    source: TenantStore, target: TenantStore, record: Record, vectors: VectorCarrier
) -> int:
    there = len(target.records.versions(record.collection, record.key))
    missing = list(reversed(source.records.versions(record.collection, record.key)))[there:]
    for version in missing:
        texts = source.meanings.get(version.meanings)
        # The text of an earlier version is gone with that version; its id tells versions apart.
        draft = Draft(version.key, version.body, version.meanings)
        target.records.put(record.collection, [draft], texts)
        vectors.carry(texts.values())
    return len(missing)
