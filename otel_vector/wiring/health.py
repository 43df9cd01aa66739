"""Whether the store works, told in time though a server may take long to answer."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Lock, Thread
from time import monotonic
from typing import Final

from otel_vector.errors import OtelVectorError
from otel_vector.store.contract import Store
from otel_vector.telemetry import PartHealth

__all__ = ["StoreHealth"]

_NAME: Final = "store"
_WAIT_S: Final = 5.0


class StoreHealth:
    """Looks at a store in a thread of its own, one look at a time. Threads: any."""

    def __init__(self, store: Store, wait_s: float = _WAIT_S) -> None:
        """Take the store, and for how many seconds a look is waited for."""
        self._store = store
        self._wait_s = wait_s
        self._lock = Lock()
        self._look: Future[PartHealth] | None = None
        self._since = 0.0

    def part(self) -> PartHealth:
        """Return how the store is doing; a look that takes long goes on, and is not well."""
        look = self._begun()
        try:
            return look.result(self._wait_s)
        except TimeoutError:
            detail = (
                f"it has not answered for {monotonic() - self._since:.0f} s; what is accepted "
                "waits in the inbox"
            )
            return PartHealth(_NAME, ok=False, detail=detail)

    def _begun(self) -> Future[PartHealth]:
        """Return the look that is under way, or a new one."""
        with self._lock:
            if self._look is None or self._look.done():
                self._look, self._since = Future(), monotonic()
                Thread(target=self._run, args=(self._look,), name="health", daemon=True).start()
            return self._look

    def _run(self, look: Future[PartHealth]) -> None:
        try:
            look.set_result(_found(self._store))
        except OtelVectorError as error:
            look.set_result(PartHealth(_NAME, ok=False, detail=str(error)))
        except Exception as error:  # noqa: BLE001 -- raised by whoever waits for the look
            look.set_exception(error)


def _found(store: Store) -> PartHealth:
    """Tell what is damaged, and whether texts are described by an older recipe."""
    from otel_vector.maintain.reindex import stale_recipe

    wrong = [
        f"{tenant}/{name}: {why}"
        for tenant in store.tenants()
        for name, why in sorted(store.tenant(tenant).upkeep.damaged().items())
    ]
    if wrong:
        return PartHealth(
            _NAME, ok=False, detail=f"{'; '.join(wrong)}; search goes on with the rest"
        )
    return PartHealth(_NAME, ok=True, detail=stale_recipe(store) or "whole")
