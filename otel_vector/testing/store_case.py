"""What all suites of the store's promises share: a store to open, and short ways to use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from otel_vector.spans.filters import Filter, Where
from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import Cursor, Store, TenantStore, Written
from otel_vector.testing.builders import TENANT, Row, batch_of, digest_of, item_of

__all__ = ["ALL_RUNS", "StoreCase", "all_pages", "newest_first", "write"]

ALL_RUNS: tuple[str, ...] = ()


class StoreCase:
    """A backend's test class overrides `open_store`; the promises come by inheritance."""

    dimension = 8

    open_store: Callable[[Path], Store]
    """Opens the store under test in a folder, as it was left there; a class method."""

    def durable_store(self, folder: Path) -> Store:
        """Open a store that is to be opened again; a test of one that promises no such thing ends.

        Only the reference store, which lives in memory, is without it.
        """
        store = self.open_store(folder)
        if not store.capabilities.durable:
            store.close()
            pytest.skip("this store is not durable, by its capabilities")
        return store

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """A fresh store."""
        opened = self.open_store(tmp_path / "store")
        yield opened
        opened.close()

    @pytest.fixture
    def tenant(self, store: Store) -> TenantStore:
        """One tenant of a fresh store."""
        return store.tenant(TENANT)


def write(store: TenantStore, rows: Sequence[Row], tenant: Tenant = TENANT) -> Written:
    """Write rows as one delivery."""
    batch = batch_of(rows, tenant)
    return store.writer.write(batch, digest_of(batch))


def all_pages(
    store: TenantStore,
    condition: Filter | Where | None = None,
    signal: Signal = Signal.SPANS,
    limit: int = 100,
) -> list[SpanId]:
    """Return the ids of everything under a filter, page after page."""
    where = condition if isinstance(condition, Where) else Where(condition)
    ids, cursor = list[SpanId](), None
    while True:
        page = store.reader.find(signal, where, limit, cursor)
        ids.extend(item.id for item in page.items)
        assert len(page.items) <= limit, "a page is longer than asked for"
        cursor = _advanced(cursor, page.next)
        if cursor is None:
            return ids


def newest_first(rows: Sequence[Row], tenant: Tenant = TENANT) -> list[SpanId]:
    """Return the ids of rows in the order the store lists them, each once."""
    items: dict[SpanId, Item] = {i.id: i for i in (item_of(row, tenant) for row in rows)}
    return sorted(items, key=lambda identity: (items[identity].start_ns, identity), reverse=True)


def _advanced(before: Cursor | None, after: Cursor | None) -> Cursor | None:
    if before is not None and after is not None:
        assert (after.start_ns, after.id) < (before.start_ns, before.id), "a cursor stands still"
    return after
