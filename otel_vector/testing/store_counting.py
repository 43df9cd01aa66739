"""Promises of counting: tallies and candidates are exact, under any restriction."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from otel_vector.spans.durations import bucket_of
from otel_vector.spans.filters import Attribute, BuiltIn, Compare, Op, PointsAt, Where
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.contract import Tally, TenantStore
from otel_vector.testing.builders import (
    T0_NS,
    LogRow,
    SpanRow,
    item_of,
    meaning_of,
)
from otel_vector.testing.store_case import StoreCase, write

__all__ = ["CountingPromises"]

_DECLINED = (Facet.ERROR, "card declined by the bank")
_TIMEOUT = (Facet.ERROR, "deadline exceeded")
_LINE = (Facet.LOG, "cart loaded")
_HUGE = 10**13
_DAY_NS = 86_400 * 10**9

_ROWS = [
    SpanRow(
        name="pay" if n % 2 else "ship",
        span=n,
        start_ns=T0_NS + n * 1_000_003,
        duration_ns=n * n * 1000,
        status=2 if n % 5 == 0 else 0,
        attributes={"n": n},
        means=(_DECLINED,) if n % 5 == 0 else (),
    )
    for n in range(1, 151)
]


def _expected(rows: list[SpanRow]) -> Tally:
    starts = [row.start_ns for row in rows]
    return Tally(
        count=len(rows),
        errors=sum(row.status == 2 for row in rows),
        histogram=dict(Counter(bucket_of(row.duration_ns) for row in rows)),
        first_ns=min(starts, default=0),
        last_ns=max(starts, default=0),
    )


class CountingPromises(StoreCase):
    """What is known of the items that point at a meaning."""

    def test_a_tally_counts_exactly(self, tenant: TenantStore) -> None:
        write(tenant, _ROWS[:70])
        write(tenant, _ROWS[60:])
        pay, ship = (item_of(row).meanings[0] for row in _ROWS[:2])
        declined = meaning_of(_DECLINED).id
        got = tenant.reader.tally(Signal.SPANS, Where(), [pay, ship, declined])
        assert got == {
            pay: _expected(_ROWS[::2]),
            ship: _expected(_ROWS[1::2]),
            declined: _expected(_ROWS[4::5]),
        }

    def test_a_tally_of_nothing_is_zero(self, tenant: TenantStore) -> None:
        write(tenant, _ROWS[:3])
        unknown = MeaningId(12345)
        known = item_of(_ROWS[0]).meanings[0]
        long_ago = Where(until_ns=1)
        assert tenant.reader.tally(Signal.SPANS, Where(), [unknown]) == {unknown: Tally()}
        assert tenant.reader.tally(Signal.SPANS, long_ago, [known]) == {known: Tally()}
        assert tenant.reader.tally(Signal.SPANS, Where(), []) == {}

    def test_a_tally_under_a_filter_counts_what_it_leaves(self, tenant: TenantStore) -> None:
        write(tenant, _ROWS)
        pay = item_of(_ROWS[0]).meanings[0]
        for condition, rows in (
            (Compare(Attribute("n"), Op.GT, ("100",)), _ROWS[100::2]),
            (Compare(BuiltIn.STATUS, Op.EQ, ("error",)), _ROWS[4::10]),
            (Compare(BuiltIn.DURATION, Op.GE, (str(51 * 51 * 1000),)), _ROWS[50::2]),
            (PointsAt((meaning_of(_DECLINED).id,)), _ROWS[4::10]),
        ):
            got = tenant.reader.tally(Signal.SPANS, Where(condition), [pay])
            assert got == {pay: _expected(rows)}, condition

    def test_a_tally_within_a_window_counts_to_the_nanosecond(self, tenant: TenantStore) -> None:
        write(tenant, _ROWS)
        pay, ship = (item_of(row).meanings[0] for row in _ROWS[:2])
        window = Where(since_ns=_ROWS[9].start_ns, until_ns=_ROWS[29].start_ns)
        got = tenant.reader.tally(Signal.SPANS, window, [pay, ship])
        assert got == {pay: _expected(_ROWS[10:29:2]), ship: _expected(_ROWS[9:29:2])}

    def test_a_window_over_days_counts_to_the_nanosecond(self, tenant: TenantStore) -> None:
        rows = [
            replace(row, start_ns=row.start_ns + n // 30 * _DAY_NS) for n, row in enumerate(_ROWS)
        ]
        write(tenant, rows)
        pay, ship = (item_of(row).meanings[0] for row in _ROWS[:2])
        for first, last in ((0, 150), (10, 140), (30, 120), (31, 119), (64, 66)):
            until_ns = rows[last].start_ns if last < len(rows) else None
            window = Where(since_ns=rows[first].start_ns, until_ns=until_ns)
            within = rows[first:last]
            assert tenant.reader.tally(Signal.SPANS, window, [pay, ship]) == {
                meaning: _expected([row for row in within if row.name == name])
                for meaning, name in ((pay, "pay"), (ship, "ship"))
            }
            expected = Counter(m for row in within for m in item_of(row).meanings)
            assert tenant.reader.candidates(Signal.SPANS, window) == expected

    def test_candidates_of_failed_items_are_counted_within_a_window(
        self, tenant: TenantStore
    ) -> None:
        write(tenant, _ROWS)
        failed = Where(
            Compare(BuiltIn.STATUS, Op.EQ, ("error",)),
            since_ns=_ROWS[9].start_ns,
            until_ns=_ROWS[29].start_ns,
        )
        rows = [row for row in _ROWS[9:29] if row.status == 2]
        expected = Counter(m for row in rows for m in item_of(row).meanings)
        assert tenant.reader.candidates(Signal.SPANS, failed) == expected

    def test_times_of_any_length_fall_into_their_buckets(self, tenant: TenantStore) -> None:
        lengths = [0, 1, 2, 999, 1_000_000, _HUGE, 2**63, 2**64 - 1]
        rows = [SpanRow(span=n, start_ns=0, duration_ns=d) for n, d in enumerate(lengths, start=1)]
        write(tenant, rows)
        operation = item_of(rows[0]).meanings[0]
        got = tenant.reader.tally(Signal.SPANS, Where(), [operation])[operation]
        assert got.histogram == Counter(map(bucket_of, lengths))

    def test_an_item_that_names_a_meaning_twice_counts_once(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(means=(_DECLINED, _TIMEOUT, _DECLINED))])
        declined = meaning_of(_DECLINED).id
        assert tenant.reader.tally(Signal.SPANS, Where(), [declined])[declined].count == 1
        assert tenant.reader.candidates(Signal.SPANS, Where())[declined] == 1

    def test_candidates_are_every_meaning_pointed_at_and_how_often(
        self, tenant: TenantStore
    ) -> None:
        write(tenant, _ROWS)
        late = Where(Compare(Attribute("n"), Op.GT, ("90",)))
        for where, rows in ((Where(), _ROWS), (late, _ROWS[90:])):
            expected = Counter(m for row in rows for m in item_of(row).meanings)
            assert tenant.reader.candidates(Signal.SPANS, where) == expected
        assert tenant.reader.candidates(Signal.SPANS, Where(until_ns=1)) == {}

    def test_many_different_meanings_are_all_candidates(self, tenant: TenantStore) -> None:
        rows = [SpanRow(span=n, means=((Facet.INPUT, f"question {n}"),)) for n in range(1, 1301)]
        write(tenant, rows)
        got = tenant.reader.candidates(Signal.SPANS, Where())
        assert got == Counter(m for row in rows for m in item_of(row).meanings)

    def test_logs_are_counted_by_the_meanings_they_point_at(self, tenant: TenantStore) -> None:
        rows = [LogRow(span=n, trace=1, start_ns=T0_NS + n, means=(_LINE,)) for n in range(1, 8)]
        write(tenant, rows)
        line = meaning_of(_LINE).id
        assert tenant.reader.candidates(Signal.LOGS, Where()) == {line: 7}
        assert tenant.reader.tally(Signal.LOGS, Where(), [line]) == {
            line: Tally(7, 0, {bucket_of(0): 7}, T0_NS + 1, T0_NS + 7)
        }
        assert tenant.reader.candidates(Signal.SPANS, Where()) == {}
