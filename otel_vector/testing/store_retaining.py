"""Promises of retention: partitions are listed, dropped, and what they held is still told."""

from __future__ import annotations

from pathlib import Path

from otel_vector.spans.batch import Join
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet, Meaning, Signal
from otel_vector.store.contract import TenantStore
from otel_vector.testing.builders import (
    SECOND_NS,
    T0_NS,
    TENANT,
    LogRow,
    SpanRow,
    item_of,
    join_of,
    meaning_of,
)
from otel_vector.testing.store_case import StoreCase, all_pages, newest_first, write

__all__ = ["RetainingPromises"]

_DAY_NS = 86_400 * SECOND_NS
_FAILED = (Facet.ERROR, "card declined bank")
_PROMPT = (Facet.INPUT, "my sister's telephone number")
_LINE = (Facet.LOG, "cart loaded")
_OLD = [
    SpanRow(span=n, trace=n, start_ns=T0_NS + n * 1_000_007, status=2, means=(_FAILED, _PROMPT))
    for n in range(1, 31)
]
_NEW = [
    SpanRow(span=n, trace=n, start_ns=T0_NS + 90 * _DAY_NS + n * 1_000_007, means=(_FAILED,))
    for n in range(1, 21)
]
_LOGS = [LogRow(body=f"line {n}", start_ns=T0_NS + n, means=(_LINE,)) for n in range(1, 8)]


class RetainingPromises(StoreCase):
    """What retention drops, and what it leaves."""

    def test_partitions_tell_what_they_hold_in_the_order_of_time(
        self, tenant: TenantStore
    ) -> None:
        self._store_both(tenant)
        old, new = tenant.upkeep.partitions()
        assert (old.items, new.items) == (len(_OLD) + len(_LOGS), len(_NEW))
        assert (old.first_ns, old.last_ns) == (
            _LOGS[0].start_ns // 1000 * 1000,
            T0_NS + 30_000_000,
        )
        assert new.first_ns == _NEW[0].start_ns // 1000 * 1000
        assert old.name < new.name

    def test_a_dropped_partition_is_found_by_nothing(self, tenant: TenantStore) -> None:
        self._store_both(tenant)
        old = tenant.upkeep.partitions()[0]
        assert tenant.upkeep.drop(old.name) == old.items
        self._is_new_only(tenant)
        assert tenant.upkeep.drop(old.name) == 0
        assert [p.items for p in tenant.upkeep.partitions()] == [len(_NEW)]

    def test_what_was_dropped_is_still_told_by_meaning(self, tenant: TenantStore) -> None:
        self._store_both(tenant)
        asked = [*item_of(_OLD[0]).meanings, meaning_of(_LINE).id]
        before = tenant.reader.tally(Signal.SPANS, Where(until_ns=_NEW[0].start_ns), asked)
        tenant.upkeep.drop(tenant.upkeep.partitions()[0].name)
        retired = tenant.upkeep.retired(asked)
        failed, line = meaning_of(_FAILED).id, meaning_of(_LINE).id
        assert retired[failed] == before[failed]
        assert (retired[line].count, retired[line].first_ns) == (len(_LOGS), _LOGS[0].start_ns)
        assert tenant.meanings.get([line])[line].text == _LINE[1]

    def test_content_that_nothing_points_at_goes_with_its_partition(
        self, tenant: TenantStore
    ) -> None:
        self._store_both(tenant)
        prompt = meaning_of(_PROMPT).id
        tenant.upkeep.drop(tenant.upkeep.partitions()[0].name)
        assert tenant.meanings.get([prompt]) == {}
        assert tenant.upkeep.retired([prompt]) == {}

    def test_early_items_of_a_partition_are_dropped(self, tenant: TenantStore) -> None:
        self._store_both(tenant)
        old = tenant.upkeep.partitions()[0]
        limit_ns = _OLD[12].start_ns
        assert tenant.upkeep.drop(old.name, limit_ns) == len(_LOGS) + 12
        assert all_pages(tenant) == newest_first([*_OLD[12:], *_NEW])
        assert all_pages(tenant, signal=Signal.LOGS) == []
        assert tenant.upkeep.drop(old.name, limit_ns) == 0
        failed = meaning_of(_FAILED).id
        tally = tenant.reader.tally(Signal.SPANS, Where(), [failed])[failed]
        assert (tally.count, tally.first_ns) == (18 + len(_NEW), limit_ns)
        assert tenant.upkeep.retired([failed])[failed].count == 12
        assert tenant.upkeep.drop(old.name) == 18
        assert tenant.upkeep.retired([failed])[failed].count == len(_OLD)

    def test_a_limit_before_everything_drops_nothing(self, tenant: TenantStore) -> None:
        self._store_both(tenant)
        old = tenant.upkeep.partitions()[0]
        assert tenant.upkeep.drop(old.name, T0_NS) == 0
        assert tenant.upkeep.drop("2001-01") == 0
        assert len(all_pages(tenant)) == len(_OLD) + len(_NEW)

    def test_what_was_dropped_may_be_stored_again(self, tenant: TenantStore) -> None:
        self._store_both(tenant)
        tenant.upkeep.drop(tenant.upkeep.partitions()[0].name)
        assert tenant.upkeep.tombstones() == []
        assert len(write(tenant, _OLD).new) == len(_OLD)
        assert all_pages(tenant) == newest_first([*_OLD, *_NEW])

    def test_a_deletion_takes_what_retention_had_kept(self, tenant: TenantStore) -> None:
        self._store_both(tenant)
        tenant.upkeep.drop(tenant.upkeep.partitions()[0].name)
        tenant.writer.delete(Signal.SPANS, [item_of(row).id for row in _NEW])
        failed = meaning_of(_FAILED).id
        assert tenant.meanings.get([failed]) == {}
        assert tenant.upkeep.retired([failed]) == {}

    def test_a_resend_of_what_was_deleted_takes_nothing_that_retention_kept(
        self, tenant: TenantStore
    ) -> None:
        self._store_both(tenant)
        line, resent = meaning_of(_LINE).id, LogRow(body="line 99", means=(_LINE,))
        tenant.writer.delete(Signal.LOGS, [item_of(resent).id])
        tenant.upkeep.drop(tenant.upkeep.partitions()[0].name)
        assert write(tenant, [resent]).new == ()
        assert tenant.meanings.get([line])[line].text == _LINE[1]
        assert tenant.upkeep.retired([line])[line].count == len(_LOGS)

    def test_deleting_again_takes_nothing_that_retention_kept(self, tenant: TenantStore) -> None:
        self._store_both(tenant)
        line, one = meaning_of(_LINE).id, item_of(_LOGS[0]).id
        assert tenant.writer.delete(Signal.LOGS, [one]) == 1
        tenant.upkeep.drop(tenant.upkeep.partitions()[0].name)
        assert tenant.writer.delete(Signal.LOGS, [one]) == 0
        assert tenant.upkeep.retired([line])[line].count == len(_LOGS) - 1

    def test_deleting_what_retention_dropped_leaves_what_it_joined(
        self, tenant: TenantStore
    ) -> None:
        log, join, texts = self._joining()
        write(tenant, [log])
        tenant.writer.join([join], texts)
        tenant.upkeep.drop(tenant.upkeep.partitions()[0].name)
        assert tenant.writer.delete(Signal.LOGS, [item_of(log).id]) == 0
        assert set(tenant.meanings.get(join.meanings)) == set(join.meanings)

    @staticmethod
    def _joining() -> tuple[LogRow, Join, dict[MeaningId, Meaning]]:
        log = LogRow(body="the bank said no", trace=7, span=7)
        join, texts = join_of(7, 7, [_FAILED], TENANT, item_of(log).id)
        return log, join, texts

    def test_what_was_dropped_stays_so_over_a_restart(self, tmp_path: Path) -> None:
        store = self.durable_store(tmp_path)
        self._store_both(store.tenant(TENANT))
        old = store.tenant(TENANT).upkeep.partitions()[0]
        store.tenant(TENANT).upkeep.drop(old.name)
        store.close()
        reopened = self.open_store(tmp_path)
        tenant = reopened.tenant(TENANT)
        self._is_new_only(tenant)
        failed = meaning_of(_FAILED).id
        assert tenant.upkeep.retired([failed])[failed].count == len(_OLD)
        reopened.close()

    def _store_both(self, tenant: TenantStore) -> None:
        write(tenant, [*_OLD, *_NEW])
        write(tenant, _LOGS)

    def _is_new_only(self, tenant: TenantStore) -> None:
        assert all_pages(tenant) == newest_first(_NEW)
        assert all_pages(tenant, signal=Signal.LOGS) == []
        pointed = {m: len(_NEW) for m in item_of(_NEW[0]).meanings}
        assert tenant.reader.candidates(Signal.SPANS, Where()) == pointed
        for tally in tenant.reader.tally(Signal.SPANS, Where(), [*pointed]).values():
            ends = (_NEW[0].start_ns, _NEW[-1].start_ns)
            assert (tally.first_ns, tally.last_ns) == ends
