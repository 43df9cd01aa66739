"""Promises of joins: what log records add to spans, whichever comes first."""

from __future__ import annotations

from otel_vector.spans.filters import PointsAt, Where
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.contract import TenantStore
from otel_vector.testing.builders import LogRow, SpanRow, item_of, join_of, meaning_of
from otel_vector.testing.store_case import StoreCase, all_pages, newest_first, write

__all__ = ["JoinPromises"]

_DECLINED = (Facet.ERROR, "card declined by the bank")
_TIMEOUT = (Facet.ERROR, "deadline exceeded")
_LINE = (Facet.LOG, "cart loaded")


class JoinPromises(StoreCase):
    """What log records add to spans, whichever comes first."""

    def test_a_join_after_its_span_is_found_by_it(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(), SpanRow(span=2)])
        self._join(tenant)
        self._is_joined(tenant, SpanRow())

    def test_a_join_before_its_span_waits_for_it(self, tenant: TenantStore) -> None:
        self._join(tenant)
        assert all_pages(tenant) == []
        write(tenant, [SpanRow(), SpanRow(span=2)])
        self._is_joined(tenant, SpanRow())

    def test_a_repeated_join_changes_nothing(self, tenant: TenantStore) -> None:
        self._join(tenant)
        self._join(tenant)
        write(tenant, [SpanRow()])
        self._join(tenant)
        self._is_joined(tenant, SpanRow())

    def test_a_redelivered_span_keeps_what_was_joined(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow()])
        self._join(tenant)
        assert write(tenant, [SpanRow(), SpanRow(span=2)]).duplicates == 1
        self._is_joined(tenant, SpanRow())

    def test_joins_of_several_records_add_up(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(means=(_TIMEOUT,))])
        self._join(tenant)
        other = (Facet.INPUT, "which card?")
        join, texts = join_of(1, 1, [other])
        tenant.writer.join([join], texts)
        (got,) = tenant.reader.trace(item_of(SpanRow()).message.trace_id)
        (item,) = tenant.reader.items(Signal.SPANS, [got.id])
        expected = {meaning_of(text).id for text in (_TIMEOUT, _DECLINED, other)}
        assert expected < set(item.meanings)
        assert len(item.meanings) == len(expected) + 1

    def test_a_join_reaches_every_span_that_shares_the_id(self, tenant: TenantStore) -> None:
        rows = [SpanRow(kind=2), SpanRow(kind=3)]
        write(tenant, rows)
        self._join(tenant)
        pointing = PointsAt((meaning_of(_DECLINED).id,))
        assert all_pages(tenant, pointing) == newest_first(rows)

    def test_a_joined_text_is_a_meaning_like_any_other(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow()])
        self._join(tenant)
        declined = meaning_of(_DECLINED)
        assert tenant.meanings.get([declined.id]) == {declined.id: declined}
        assert declined in tenant.meanings.pending(10)

    def test_a_log_without_a_span_is_kept_and_found(self, tenant: TenantStore) -> None:
        rows = [LogRow(body="lonely line", means=(_LINE,)), LogRow(trace=5, span=6, body="other")]
        write(tenant, rows)
        assert all_pages(tenant, signal=Signal.LOGS) == newest_first(rows)
        lonely = PointsAt((meaning_of(_LINE).id,))
        assert all_pages(tenant, lonely, Signal.LOGS) == newest_first(rows[:1])

    def _join(self, tenant: TenantStore) -> None:
        join, texts = join_of(1, 1, [_DECLINED])
        tenant.writer.join([join], texts)

    def _is_joined(self, tenant: TenantStore, row: SpanRow) -> None:
        declined = meaning_of(_DECLINED).id
        assert all_pages(tenant, PointsAt((declined,))) == newest_first([row])
        assert tenant.reader.candidates(Signal.SPANS, Where())[declined] == 1
        assert tenant.reader.tally(Signal.SPANS, Where(), [declined])[declined].count == 1
        (item,) = tenant.reader.items(Signal.SPANS, [item_of(row).id])
        assert set(item.meanings) == {*item_of(row).meanings, declined}
