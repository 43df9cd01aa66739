"""Whether the store works."""

from __future__ import annotations

from functools import partial
from typing import Final

from otel_vector.errors import OtelVectorError
from otel_vector.store.contract import Store
from otel_vector.store.timely import Timely
from otel_vector.telemetry import PartHealth

__all__ = ["StoreHealth"]

_NAME: Final = "store"
_WAIT_S: Final = 5.0


class StoreHealth:
    """Looks at a store, and never takes long to tell. Threads: any."""

    def __init__(self, store: Store, wait_s: float = _WAIT_S) -> None:
        """Take the store, and for how many seconds a look is waited for."""
        self._look = Timely(partial(_found, store), wait_s)

    def part(self) -> PartHealth:
        """Return how the store is doing."""
        try:
            return self._look()
        except OtelVectorError as error:
            return PartHealth(_NAME, ok=False, detail=str(error))


def _found(store: Store) -> PartHealth:
    """Tell what is damaged, and whether texts are described by an older recipe."""
    from otel_vector.maintain.reindex import stale_recipe

    wrong = [
        f"{tenant}/{name}: {why}"
        for tenant in store.tenants()
        for name, why in sorted(store.tenant(tenant).upkeep.damaged().items())
    ]
    if wrong:
        detail = f"{'; '.join(wrong)}; search goes on with the rest"
        return PartHealth(_NAME, ok=False, detail=detail)
    return PartHealth(_NAME, ok=True, detail=stale_recipe(store) or "whole")
