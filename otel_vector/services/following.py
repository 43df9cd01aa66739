"""Following writes: each stored write, with the items of it that count."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from otel_vector.events.contract import Event, Events, Subscription
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import Item
from otel_vector.spans.matching import holds
from otel_vector.store.contract import Store, TenantStore

__all__ = ["Following", "Heard", "Listener"]


@dataclass(frozen=True, slots=True)
class Heard:
    """One stored write.

    Attributes:
        event: how many items were new, and the ids of the first hundred.
        items: those of these hundred that count, in the order of the write.
    """

    event: Event
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Listener:
    """One follower's view of a tenant's writes."""

    store: TenantStore
    subscription: Subscription
    where: Where

    def next(self, timeout_s: float) -> Heard | None:
        """Return the next write, or None after the timeout."""
        event = self.subscription.next(timeout_s)
        if event is None:
            return None
        items = self.store.reader.items(event.signal, event.ids)
        return Heard(event, tuple(item for item in items if holds(self.where, item)))


@dataclass(frozen=True, slots=True)
class Following:
    """Lets callers follow what is stored."""

    store: Store
    events: Events

    @contextmanager
    def listen(self, tenant: Tenant, where: Where) -> Iterator[Listener]:
        """Follow one tenant's writes from now on, showing the items that count."""
        with self.events.subscribe(tenant) as subscription:
            yield Listener(self.store.tenant(tenant), subscription, where)
