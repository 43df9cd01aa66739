"""Content ids of stored items, computed again from their messages."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import repeat

from otel_vector.spans.ids import SpanId, Tenant, content_hasher
from otel_vector.spans.items import Headers, Item, items_of
from otel_vector.spans.meanings import Signal

__all__ = ["ids_of_block", "ids_of_items"]


def ids_of_block(tenant: str, signal: Signal, message: bytes) -> list[SpanId]:
    """Return the content ids of a serialised TracesData or LogsData, in order."""
    return ids_of_items(tenant, signal, items_of(signal, message, repeat(SpanId(""))))


def ids_of_items(tenant: str, signal: Signal, items: Sequence[Item]) -> list[SpanId]:
    """Return the content ids of parsed items, in order."""
    headers = Headers.for_signal(signal)
    bases: dict[tuple[bytes, bytes], blake2b] = {}
    ids = []
    for item in items:
        header = headers.of(item)
        base = bases.get(header)
        if base is None:
            base = bases[header] = content_hasher(Tenant(tenant), *header)
        hasher = base.copy()
        hasher.update(item.message.SerializeToString(deterministic=True))
        ids.append(SpanId(hasher.hexdigest()))
    return ids
