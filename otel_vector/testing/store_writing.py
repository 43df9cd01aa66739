"""Promises of writing: idempotent, lossless, visible at once, bound to a tenant."""

from __future__ import annotations

from otel_vector.spans.filters import Attribute, Compare, Op, Phrase, Where
from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import Item, logs_data, traces_data
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.contract import Nearest, Store, TenantStore
from otel_vector.testing.builders import (
    TENANT,
    LogRow,
    Row,
    SpanRow,
    batch_of,
    digest_of,
    item_of,
    join_of,
)
from otel_vector.testing.messages import full_log_row, full_span_row
from otel_vector.testing.store_case import StoreCase, all_pages, newest_first, write

__all__ = ["WritingPromises"]

_DECLINED = (Facet.ERROR, "card declined by the bank")
_OTHER = Tenant("other")


class WritingPromises(StoreCase):
    """What a write did, and what it did not do."""

    def test_an_empty_batch_changes_nothing(self, tenant: TenantStore) -> None:
        written = write(tenant, [])
        assert (written.new, written.duplicates) == ((), 0)
        assert all_pages(tenant) == []

    def test_a_write_tells_which_items_were_new_in_their_order(self, tenant: TenantStore) -> None:
        rows = [SpanRow(span=number) for number in range(1, 4)]
        written = write(tenant, rows)
        assert written.new == tuple(item_of(row).id for row in rows)
        assert written.duplicates == 0

    def test_the_same_item_in_another_batch_is_stored_once(self, tenant: TenantStore) -> None:
        one, two, three = (SpanRow(span=number) for number in (1, 2, 3))
        write(tenant, [one, two])
        written = write(tenant, [two, three])
        assert (written.new, written.duplicates) == ((item_of(three).id,), 1)
        assert all_pages(tenant) == newest_first([one, two, three])
        assert tenant.size().spans == 3

    def test_duplicates_within_a_batch_are_stored_once(self, tenant: TenantStore) -> None:
        one, two = SpanRow(span=1), SpanRow(span=2)
        written = write(tenant, [one, two, one, one])
        assert (written.new, written.duplicates) == ((item_of(one).id, item_of(two).id), 2)
        assert all_pages(tenant) == newest_first([one, two])

    def test_a_redelivery_under_the_same_digest_changes_nothing(self, tenant: TenantStore) -> None:
        rows = [SpanRow(span=number, means=(_DECLINED,)) for number in range(1, 9)]
        write(tenant, rows)
        before = tenant.reader.candidates(Signal.SPANS, Where())
        written = write(tenant, rows)
        assert (written.new, written.duplicates) == ((), 8)
        assert tenant.reader.candidates(Signal.SPANS, Where()) == before
        assert all_pages(tenant) == newest_first(rows)

    def test_two_items_that_share_a_span_id_are_both_kept(self, tenant: TenantStore) -> None:
        rows = [SpanRow(name="client side", kind=3), SpanRow(name="server side", kind=2)]
        write(tenant, rows[:1])
        assert len(write(tenant, rows[1:]).new) == 1
        found = tenant.reader.trace(bytes(item_of(rows[0]).message.trace_id))
        assert {item.name for item in found} == {"client side", "server side"}

    def test_items_that_differ_in_their_resource_only_are_both_kept(
        self, tenant: TenantStore
    ) -> None:
        write(tenant, [SpanRow(resource={"host": "a"}), SpanRow(resource={"host": "b"})])
        assert tenant.size().spans == 2

    def test_a_span_comes_back_equal_in_every_field(self, tenant: TenantStore) -> None:
        self._comes_back_equal(tenant, full_span_row())

    def test_a_log_record_comes_back_equal_in_every_field(self, tenant: TenantStore) -> None:
        self._comes_back_equal(tenant, full_log_row())

    def _comes_back_equal(self, tenant: TenantStore, row: Row) -> None:
        given = item_of(row)
        write(tenant, [row])
        (got,) = tenant.reader.items(given.signal, [given.id])
        assert _all_bytes(got) == _all_bytes(given)
        assert set(got.meanings) == set(given.meanings)

    def test_rows_of_mixed_headers_keep_their_own(self, tenant: TenantStore) -> None:
        rows = [
            SpanRow(span=n, service=f"service-{n % 3}", scope=f"scope-{n % 2}")
            for n in range(1, 13)
        ]
        write(tenant, rows)
        for row in rows:
            (got,) = tenant.reader.items(Signal.SPANS, [item_of(row).id])
            assert (got.service, got.scope.scope.name) == (row.service, row.scope)

    def test_what_was_written_is_visible_at_once(self, tenant: TenantStore) -> None:
        row = SpanRow(attributes={"order": "order-8837"}, means=(_DECLINED,))
        write(tenant, [row])
        given = item_of(row)
        assert [i.id for i in tenant.reader.items(Signal.SPANS, [given.id])] == [given.id]
        assert [i.id for i in tenant.reader.trace(given.message.trace_id)] == [given.id]
        assert all_pages(tenant, Compare(Attribute("order"), Op.EQ, ("order-8837",))) == [given.id]
        assert all_pages(tenant, Phrase("order-8837")) == [given.id]
        assert tenant.reader.candidates(Signal.SPANS, Where()) == dict.fromkeys(given.meanings, 1)

    def test_spans_and_logs_are_kept_apart(self, tenant: TenantStore) -> None:
        span, log = SpanRow(), LogRow(trace=1, span=1)
        write(tenant, [span])
        write(tenant, [log])
        assert all_pages(tenant) == [item_of(span).id]
        assert all_pages(tenant, signal=Signal.LOGS) == [item_of(log).id]
        assert (tenant.size().spans, tenant.size().logs) == (1, 1)

    def test_a_tenant_sees_nothing_of_another(self, store: Store, tenant: TenantStore) -> None:
        row = SpanRow(means=(_DECLINED,))
        batch = batch_of([row], _OTHER)
        store.tenant(_OTHER).writer.write(batch, digest_of(batch))
        assert all_pages(tenant) == []
        assert tenant.reader.trace(batch.trace_ids[0]) == []
        assert tenant.reader.items(Signal.SPANS, batch.ids) == []
        assert tenant.reader.candidates(Signal.SPANS, Where()) == {}
        assert tenant.meanings.get(list(batch.texts)) == {}
        assert tenant.meanings.counts().total == tenant.size().spans == 0
        assert tenant.meanings.nearest(Nearest(None, "card declined")) == []

    def test_tenants_that_write_the_same_have_their_own(self, store: Store) -> None:
        row, tenants = SpanRow(means=(_DECLINED,)), [TENANT, _OTHER]
        for name in tenants:
            written = write(store.tenant(name), [row], name)
            assert written.new == (item_of(row, name).id,)
        for name in tenants:
            assert all_pages(store.tenant(name)) == [item_of(row, name).id]
            assert store.tenant(name).size().spans == 1

    def test_a_join_stays_within_its_tenant(self, store: Store) -> None:
        for name in (TENANT, _OTHER):
            write(store.tenant(name), [SpanRow()], name)
        join, texts = join_of(1, 1, [_DECLINED], _OTHER)
        store.tenant(_OTHER).writer.join([join], texts)
        (mine,) = store.tenant(TENANT).reader.items(Signal.SPANS, [item_of(SpanRow()).id])
        assert len(mine.meanings) == 1

    def test_only_tenants_that_wrote_are_listed(self, store: Store) -> None:
        assert all_pages(store.tenant(Tenant("curious"))) == []
        for name in (TENANT, _OTHER):
            write(store.tenant(name), [SpanRow()], name)
        assert sorted(store.tenants()) == sorted([TENANT, _OTHER])


def _all_bytes(item: Item) -> bytes:
    """Return an item with its headers as one message's bytes."""
    whole = traces_data([item]) if item.signal is Signal.SPANS else logs_data([item])
    return whole.SerializeToString(deterministic=True)
