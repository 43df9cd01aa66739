"""Promises over time: what survives a restart, and what readers see while one thread writes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from otel_vector.progress import unreported
from otel_vector.spans.filters import Attribute, Compare, Op, PointsAt, Where
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.contract import MeaningCounts, Store, TenantStore
from otel_vector.testing.builders import (
    T0_NS,
    TENANT,
    LogRow,
    SpanRow,
    item_of,
    join_of,
    meaning_of,
    trace_bytes,
)
from otel_vector.testing.store_case import StoreCase, all_pages, newest_first, write

__all__ = ["LastingPromises", "StoreVolumeSuite"]

_DECLINED = (Facet.ERROR, "card declined bank")
_ROWS = [
    SpanRow(span=n, trace=1 + n % 7, start_ns=T0_NS + n, attributes={"n": n}, means=(_DECLINED,))
    for n in range(1, 131)
]
_LOGS = [LogRow(body=f"line {n}", trace=1, start_ns=T0_NS + n) for n in range(1, 10)]


class LastingPromises(StoreCase):
    """What is kept, and what is seen meanwhile."""

    def test_what_was_stored_is_there_after_a_restart(self, tmp_path: Path) -> None:
        store = self.durable_store(tmp_path)
        declined = meaning_of(_DECLINED).id
        write(store.tenant(TENANT), _ROWS)
        write(store.tenant(TENANT), _LOGS)
        store.tenant(TENANT).meanings.fill({declined: [1.0] + [0.0] * (self.dimension - 1)})
        before = self._answers(store)
        store.close()
        reopened = self.open_store(tmp_path)
        assert self._answers(reopened) == before
        assert reopened.tenant(TENANT).meanings.vectors([declined]).keys() == {declined}
        reopened.close()

    def test_a_look_for_something_to_seal_reports_nothing_if_there_is_nothing(
        self, tmp_path: Path
    ) -> None:
        store = self.open_store(tmp_path)
        write(store.tenant(TENANT), _ROWS[:10])
        told = list[str]()
        sealed = store.tenant(TENANT).upkeep.seal(lambda *report: told.append(str(report)), 3600)
        assert (sealed.shards, told) == (0, [])
        assert store.tenant(TENANT).upkeep.seal(unreported, 3600).shards == 0
        store.close()

    def test_a_resend_after_a_restart_is_stored_once(self, tmp_path: Path) -> None:
        store = self.durable_store(tmp_path)
        write(store.tenant(TENANT), _ROWS[:60])
        write(store.tenant(TENANT), _LOGS)
        store.close()
        reopened = self.open_store(tmp_path)
        assert write(reopened.tenant(TENANT), _ROWS[:60]).new == ()
        assert write(reopened.tenant(TENANT), _LOGS).new == ()
        assert len(write(reopened.tenant(TENANT), _ROWS).new) == len(_ROWS) - 60
        assert all_pages(reopened.tenant(TENANT)) == newest_first(_ROWS)
        reopened.close()

    def test_a_join_waits_for_its_span_over_a_restart(self, tmp_path: Path) -> None:
        store = self.durable_store(tmp_path)
        join, texts = join_of(1, 1, [_DECLINED])
        store.tenant(TENANT).writer.join([join], texts)
        store.checkpoint()
        store.close()
        reopened = self.open_store(tmp_path)
        row = SpanRow()
        write(reopened.tenant(TENANT), [row, SpanRow(span=2)])
        pointing = PointsAt((meaning_of(_DECLINED).id,))
        assert all_pages(reopened.tenant(TENANT), pointing) == newest_first([row])
        reopened.close()

    def test_checkpoints_change_no_answer(self, store: Store) -> None:
        for number in range(4):
            write(store.tenant(TENANT), _ROWS[number * 30 : number * 30 + 30])
            before = self._answers(store)
            store.checkpoint()
            assert self._answers(store) == before

    def test_readers_see_whole_and_growing_answers_while_one_writes(self, store: Store) -> None:
        tenant, failures = store.tenant(TENANT), list[BaseException]()
        written, done = [0], threading.Event()

        def reader(look: Callable[[], None]) -> None:
            try:
                while not done.is_set():
                    look()
            except BaseException as error:  # noqa: BLE001 -- told by the writing thread
                failures.append(error)

        looks = [
            lambda: self._look_at_pages(tenant, written),
            lambda: self._count(tenant, written),
        ]
        threads = [threading.Thread(target=reader, args=(look,)) for look in looks]
        for thread in threads:
            thread.start()
        for at in range(0, len(_ROWS), 10):
            write(tenant, _ROWS[at : at + 10])
            written[0] = at + 10
            store.checkpoint()
        done.set()
        for thread in threads:
            thread.join(60)
        assert not failures, failures
        assert all_pages(tenant) == newest_first(_ROWS)

    def _look_at_pages(self, tenant: TenantStore, written: list[int]) -> None:
        least = written[0]
        page = tenant.reader.find(Signal.SPANS, Where(), len(_ROWS))
        places = [(item.start_ns, item.id) for item in page.items]
        assert places == sorted(set(places), reverse=True)
        assert len(places) >= least
        for item in tenant.reader.trace(trace_bytes(3)):
            assert item.trace_hex == trace_bytes(3).hex()

    def _count(self, tenant: TenantStore, written: list[int]) -> None:
        least, declined = written[0], meaning_of(_DECLINED).id
        tally = tenant.reader.tally(Signal.SPANS, Where(), [declined])[declined]
        assert tally.count >= least
        assert sum(tally.histogram.values()) == tally.count

    def _answers(self, store: Store) -> tuple[object, ...]:
        """Return what is to be the same before and after."""
        tenant = store.tenant(TENANT)
        few = Compare(Attribute("n"), Op.GT, ("100",))
        return (
            all_pages(tenant),
            all_pages(tenant, few),
            all_pages(tenant, signal=Signal.LOGS),
            [item.id for item in tenant.reader.trace(trace_bytes(3))],
            tenant.reader.candidates(Signal.SPANS, Where()),
            tenant.reader.tally(Signal.SPANS, Where(), [meaning_of(_DECLINED).id]),
            tenant.meanings.counts(),
            (tenant.size().spans, tenant.size().logs),
            store.tenants(),
        )


class StoreVolumeSuite(StoreCase):
    """A batch larger than any sixteen-bit count."""

    def test_a_batch_of_more_than_32768_rows_is_stored_whole(self, tenant: TenantStore) -> None:
        rows = [SpanRow(span=n, trace=n % 999, start_ns=T0_NS + n) for n in range(1, 33_001)]
        assert len(write(tenant, rows).new) == len(rows)
        operation = item_of(rows[0]).meanings[0]
        assert tenant.reader.candidates(Signal.SPANS, Where()) == {operation: len(rows)}
        for row in (rows[0], rows[32_767], rows[32_768], rows[-1]):
            identity = item_of(row).id
            (got,) = tenant.reader.items(Signal.SPANS, [identity])
            assert got.span_hex == f"{row.span:016x}"
        late = Where(since_ns=T0_NS + 32_990)
        assert all_pages(tenant, late) == newest_first(rows[32_989:])
        assert tenant.meanings.counts() == MeaningCounts(1, 1)
