"""Promises of reading: order, pages, times, runs, traces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from otel_vector.spans.filters import BuiltIn, Compare, Op, PointsAt, Where
from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.spans.meanings import RunKind, Signal
from otel_vector.store.contract import Cursor, TenantStore
from otel_vector.testing.builders import (
    SECOND_NS,
    T0_NS,
    LogRow,
    Row,
    SpanRow,
    item_of,
    trace_bytes,
)
from otel_vector.testing.store_case import ALL_RUNS, StoreCase, all_pages, newest_first, write

__all__ = ["ReadingPromises"]

_LAST_NS = 2**64 - 1
_DAY_NS = 86_400 * SECOND_NS


def _row(signal: Signal, number: int, start_ns: int) -> Row:
    if signal is Signal.SPANS:
        return SpanRow(span=number, start_ns=start_ns)
    return LogRow(body=f"line {number}", start_ns=start_ns)


def _shuffled(numbers: int) -> Iterator[int]:
    """Yield 0 … numbers - 1, each once, out of order."""
    return ((number * 7919) % numbers for number in range(numbers))


class ReadingPromises(StoreCase):
    """What a listing holds, in which order, and how it is continued."""

    @pytest.mark.parametrize("signal", Signal)
    @pytest.mark.parametrize("limit", [1, 3, 40, 1000])
    def test_items_are_listed_newest_first_over_pages_of_any_size(
        self, tenant: TenantStore, signal: Signal, limit: int
    ) -> None:
        rows = [_row(signal, n, T0_NS + n * SECOND_NS) for n in _shuffled(37)]
        write(tenant, rows[:20])
        write(tenant, rows[20:])
        assert all_pages(tenant, signal=signal, limit=limit) == newest_first(rows)

    def test_a_page_that_ends_the_listing_has_no_cursor(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(span=n) for n in range(1, 4)])
        page = tenant.reader.find(Signal.SPANS, Where(), 3)
        assert (len(page.items), page.next) == (3, None)

    def test_nothing_found_is_an_empty_page(self, tenant: TenantStore) -> None:
        page = tenant.reader.find(Signal.SPANS, Where(), 10)
        assert (page.items, page.next) == ((), None)

    @pytest.mark.parametrize("limit", [1, 5, 100])
    def test_ties_on_the_start_are_listed_by_id(self, tenant: TenantStore, limit: int) -> None:
        rows = [SpanRow(span=n, start_ns=T0_NS + n // 20) for n in range(1, 61)]
        write(tenant, rows[::2])
        write(tenant, rows[1::2])
        assert all_pages(tenant, limit=limit) == newest_first(rows)

    def test_starts_a_nanosecond_apart_are_told_apart(self, tenant: TenantStore) -> None:
        rows = [SpanRow(span=n, start_ns=T0_NS + n) for n in _shuffled(30)]
        write(tenant, rows)
        assert all_pages(tenant, limit=7) == newest_first(rows)
        window = Where(since_ns=T0_NS + 3, until_ns=T0_NS + 5)
        assert all_pages(tenant, window) == newest_first([r for r in rows if 3 <= r.span < 5])

    def test_pages_are_stable_under_writes(self, tenant: TenantStore) -> None:
        old = [SpanRow(span=n, start_ns=T0_NS + n * SECOND_NS) for n in range(1, 21)]
        write(tenant, old)
        seen, cursor = list[SpanId](), None
        for number in range(5):
            page = tenant.reader.find(Signal.SPANS, Where(), 4, cursor)
            seen, cursor = [*seen, *(item.id for item in page.items)], page.next
            write(tenant, [SpanRow(span=100 + number, start_ns=T0_NS + _DAY_NS + number)])
        assert seen == newest_first(old)

    def test_a_cursor_of_no_item_still_continues(self, tenant: TenantStore) -> None:
        rows = [SpanRow(span=n, start_ns=T0_NS + n * SECOND_NS) for n in range(1, 7)]
        write(tenant, rows)
        between = Cursor(T0_NS + 3 * SECOND_NS + 1, SpanId("0" * 32))
        page = tenant.reader.find(Signal.SPANS, Where(), 10, between)
        assert [item.id for item in page.items] == newest_first(rows[:3])

    def test_a_window_includes_its_beginning_and_excludes_its_end(
        self, tenant: TenantStore
    ) -> None:
        rows = [SpanRow(span=n, start_ns=T0_NS + n * SECOND_NS) for n in range(1, 9)]
        write(tenant, rows)
        window = Where(since_ns=T0_NS + 2 * SECOND_NS, until_ns=T0_NS + 5 * SECOND_NS)
        assert all_pages(tenant, window) == newest_first(rows[1:4])
        assert all_pages(tenant, Where(since_ns=T0_NS + 9 * SECOND_NS)) == []

    @pytest.mark.parametrize("signal", Signal)
    def test_the_first_and_the_last_time_there_is_are_kept_and_listed(
        self, tenant: TenantStore, signal: Signal
    ) -> None:
        starts = [0, 1, 999, 1000, T0_NS, _LAST_NS - 1000, _LAST_NS - 1, _LAST_NS]
        rows = [_row(signal, n, start) for n, start in enumerate(starts, start=1)]
        write(tenant, rows)
        assert all_pages(tenant, signal=signal, limit=2) == newest_first(rows)
        latest = Where(since_ns=_LAST_NS)
        assert all_pages(tenant, latest, signal) == newest_first(rows[-1:])
        assert all_pages(tenant, Where(until_ns=1), signal) == newest_first(rows[:1])

    def test_an_end_before_the_start_is_a_duration_of_zero(self, tenant: TenantStore) -> None:
        row = SpanRow(duration_ns=-5 * SECOND_NS)
        write(tenant, [row, SpanRow(span=2, duration_ns=1)])
        assert all_pages(tenant, Compare(BuiltIn.DURATION, Op.EQ, ("0",))) == newest_first([row])
        (got,) = tenant.reader.items(Signal.SPANS, [item_of(row).id])
        assert got.end_ns == T0_NS - 5 * SECOND_NS

    def test_spans_of_many_different_days_are_kept_and_listed(self, tenant: TenantStore) -> None:
        step = _LAST_NS // 40
        rows = [SpanRow(span=n + 1, trace=n + 1, start_ns=n * step) for n in _shuffled(40)]
        write(tenant, rows)
        assert all_pages(tenant, limit=9) == newest_first(rows)
        assert write(tenant, rows[:10]).duplicates == 10
        assert [i.id for i in tenant.reader.trace(trace_bytes(rows[0].trace))] == [
            item_of(rows[0]).id
        ]

    def test_only_live_runs_are_listed_and_counted_unless_told_otherwise(
        self, tenant: TenantStore
    ) -> None:
        live, replay, shadow = (
            SpanRow(span=1),
            SpanRow(span=2, attributes={"otel_vector.run.kind": "replay"}),
            SpanRow(span=3, trace_state="ov=shadow"),
        )
        rows = [live, replay, shadow]
        write(tenant, rows)
        operation = item_of(live).meanings[0]
        assert all_pages(tenant) == newest_first([live])
        assert tenant.reader.candidates(Signal.SPANS, Where()) == {operation: 1}
        everything = Where(runs=ALL_RUNS)
        assert all_pages(tenant, everything, limit=2) == newest_first(rows)
        assert tenant.reader.candidates(Signal.SPANS, everything) == {operation: 3}
        some = Where(runs=(RunKind.REPLAY, RunKind.SHADOW))
        assert all_pages(tenant, some) == newest_first([replay, shadow])
        assert tenant.reader.tally(Signal.SPANS, some, [operation])[operation].count == 2
        by_field = Where(Compare(BuiltIn.RUN, Op.EQ, ("replay",)), runs=ALL_RUNS)
        assert all_pages(tenant, by_field) == newest_first([replay])
        assert all_pages(tenant, by_field.filter) == []

    def test_a_trace_shows_all_runs_by_start(self, tenant: TenantStore) -> None:
        runs = {"otel_vector.run.kind": "test"}
        first = SpanRow(span=1, start_ns=T0_NS + 5, attributes=runs)
        second = SpanRow(span=2, start_ns=T0_NS + 9)
        write(tenant, [second, SpanRow(trace=2)])
        write(tenant, [first])
        got = tenant.reader.trace(trace_bytes(1))
        assert [item.id for item in got] == [item_of(first).id, item_of(second).id]

    def test_the_logs_of_a_trace_are_listed_by_time(self, tenant: TenantStore) -> None:
        rows = [LogRow(trace=1, span=s, start_ns=T0_NS + t) for s, t in ((1, 3), (2, 1), (0, 2))]
        write(tenant, [*rows, LogRow(trace=2), LogRow()])
        got = tenant.reader.logs(trace_bytes(1))
        assert [item.id for item in got] == newest_first(rows)[::-1]

    def test_an_unknown_trace_is_empty(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow()])
        assert tenant.reader.trace(trace_bytes(99)) == []
        assert tenant.reader.logs(trace_bytes(1)) == []

    def test_items_come_in_the_order_of_their_ids_and_unknown_ones_are_absent(
        self, tenant: TenantStore
    ) -> None:
        rows = [SpanRow(span=n) for n in range(1, 5)]
        write(tenant, rows)
        ids = [item_of(row).id for row in rows]
        wanted = [ids[2], SpanId("f" * 32), ids[0], ids[3]]
        got = tenant.reader.items(Signal.SPANS, wanted)
        assert [item.id for item in got] == [ids[2], ids[0], ids[3]]
        assert tenant.reader.items(Signal.LOGS, ids) == []

    def test_no_meanings_point_at_nothing(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow()])
        assert all_pages(tenant, PointsAt(())) == []
        assert all_pages(tenant, PointsAt((MeaningId(5),))) == []
