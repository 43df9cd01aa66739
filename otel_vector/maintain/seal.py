"""Sealing, of all tenants: what is full or idle takes little memory and disk afterwards."""

from __future__ import annotations

from collections.abc import Collection

from otel_vector.progress import Progress
from otel_vector.spans.ids import Tenant
from otel_vector.store.contract import Store
from otel_vector.store.upkeep import Sealed

__all__ = ["seal"]


def seal(
    store: Store, idle_s: float, progress: Progress, tenants: Collection[Tenant] | None = None
) -> Sealed:
    """Seal what is due, tenant after tenant; the same again goes on where this one ended.

    Args:
        store: what is sealed; one that looks after itself is left alone.
        idle_s: seconds after which what is not full is sealed as well.
        progress: takes reports while there is something to do.
        tenants: only these; all if None.

    Raises:
        StorageFullError: the disk is full; what is not sealed stays as it was.
        StoreDamagedError: a shard cannot be sealed; it stays as it was.
        JobCancelledError: told to end.
    """
    sealed = [
        store.tenant(tenant).upkeep.seal(progress, idle_s)
        for tenant in (store.tenants() if tenants is None else tenants)
    ]
    return Sealed(sum(s.shards for s in sealed), sum(s.merged_blocks for s in sealed))
