"""Promises of deleting: what was forgotten is found, counted and stored by nothing again."""

from __future__ import annotations

from pathlib import Path

from otel_vector.spans.filters import Attribute, Compare, Op, PointsAt, Where
from otel_vector.spans.ids import SpanId
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.contract import Nearest, Store, Tally, TenantStore
from otel_vector.testing.builders import (
    SECOND_NS,
    T0_NS,
    TENANT,
    LogRow,
    Row,
    SpanRow,
    item_of,
    join_of,
    meaning_of,
    trace_bytes,
)
from otel_vector.testing.store_case import ALL_RUNS, StoreCase, all_pages, newest_first, write

__all__ = ["DeletingPromises"]

_DECLINED = (Facet.ERROR, "card declined bank")
_PROMPT = (Facet.INPUT, "my sister's telephone number")
_ANSWER = (Facet.OUTPUT, "wombat enclosure opens early")
_SPANS = [
    SpanRow(
        span=n,
        trace=1 + n % 7,
        start_ns=T0_NS + n * SECOND_NS + n,
        status=2 if n % 5 == 0 else 0,
        attributes={"user": f"u{n % 3}"},
        means=(_DECLINED,) if n % 4 == 0 else (),
    )
    for n in range(1, 121)
]
_LOGS = [LogRow(body=f"line {n}", trace=1, start_ns=T0_NS + n) for n in range(1, 20)]


def _ids(*rows: Row) -> list[SpanId]:
    return [item_of(row).id for row in rows]


class DeletingPromises(StoreCase):
    """What is forgotten, and that it stays so."""

    def test_deleted_spans_are_found_by_nothing(self, tenant: TenantStore) -> None:
        write(tenant, _SPANS)
        going, staying = _SPANS[10:50], [*_SPANS[:10], *_SPANS[50:]]
        assert tenant.writer.delete(Signal.SPANS, _ids(*going)) == len(going)
        assert all_pages(tenant) == newest_first(staying)
        assert tenant.reader.items(Signal.SPANS, _ids(*going)) == []
        of_trace = [item.id for item in tenant.reader.trace(trace_bytes(3))]
        assert of_trace == _ids(*(row for row in staying if row.trace == 3))
        by_user = Compare(Attribute("user"), Op.EQ, ("u1",))
        expected = [row for row in staying if row.attributes["user"] == "u1"]
        assert all_pages(tenant, by_user) == newest_first(expected)
        assert tenant.size().spans == len(staying)

    def test_counts_and_ends_are_exact_after_a_deletion(self, tenant: TenantStore) -> None:
        write(tenant, _SPANS)
        tenant.writer.delete(Signal.SPANS, _ids(*_SPANS[:30], *_SPANS[100:]))
        self._tells_of(tenant, _SPANS[30:100])

    def test_deleted_logs_leave_the_spans(self, tenant: TenantStore) -> None:
        write(tenant, _SPANS[:20])
        write(tenant, _LOGS)
        assert tenant.writer.delete(Signal.LOGS, _ids(*_LOGS[5:])) == len(_LOGS) - 5
        assert all_pages(tenant, signal=Signal.LOGS) == newest_first(_LOGS[:5])
        assert all_pages(tenant) == newest_first(_SPANS[:20])

    def test_deleting_again_changes_nothing(self, tenant: TenantStore) -> None:
        write(tenant, _SPANS[:20])
        assert tenant.writer.delete(Signal.SPANS, _ids(*_SPANS[:5])) == 5
        assert tenant.writer.delete(Signal.SPANS, _ids(*_SPANS[:5])) == 0
        assert tenant.size().tombstones == 5
        assert all_pages(tenant) == newest_first(_SPANS[5:20])

    def test_a_resend_of_what_was_deleted_is_not_stored(self, tenant: TenantStore) -> None:
        write(tenant, _SPANS[:20])
        tenant.writer.delete(Signal.SPANS, _ids(*_SPANS[5:10]))
        assert write(tenant, _SPANS[:20]).new == ()
        assert set(write(tenant, _SPANS[8:30]).new) == set(_ids(*_SPANS[20:30]))
        assert all_pages(tenant) == newest_first([*_SPANS[:5], *_SPANS[10:30]])

    def test_what_was_never_stored_can_be_deleted_beforehand(self, tenant: TenantStore) -> None:
        assert tenant.writer.delete(Signal.SPANS, _ids(_SPANS[0])) == 0
        secret = SpanRow(span=500, means=(_PROMPT,))
        tenant.upkeep.bury(_ids(secret))
        assert write(tenant, [_SPANS[0], secret, _SPANS[1]]).new == tuple(_ids(_SPANS[1]))
        assert tenant.meanings.get([meaning_of(_PROMPT).id]) == {}
        assert set(tenant.upkeep.tombstones()) == set(_ids(_SPANS[0], secret))

    def test_tombstones_are_listed_in_pages(self, tenant: TenantStore) -> None:
        ids = sorted(_ids(*_SPANS[:25]))
        tenant.upkeep.bury(ids)
        listed = tenant.upkeep.tombstones(limit=10)
        listed += tenant.upkeep.tombstones(after=listed[-1], limit=100)
        assert listed == ids

    def test_texts_that_only_deleted_items_had_are_gone(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(span=1, means=(_PROMPT, _DECLINED)), *_SPANS[:8]])
        prompt, declined = meaning_of(_PROMPT).id, meaning_of(_DECLINED).id
        tenant.meanings.fill({prompt: [1.0] + [0.0] * (self.dimension - 1)})
        tenant.writer.delete(Signal.SPANS, _ids(SpanRow(span=1, means=(_PROMPT, _DECLINED))))
        assert tenant.meanings.get([prompt, declined]).keys() == {declined}
        hits = tenant.meanings.nearest(Nearest([1.0] + [0.0] * (self.dimension - 1), "sister's"))
        assert prompt not in {hit.meaning.id for hit in hits}
        assert tenant.meanings.vectors([prompt]) == {}
        assert prompt not in tenant.reader.candidates(Signal.SPANS, Where())

    def test_a_text_is_kept_while_a_joined_span_points_at_it(self, tenant: TenantStore) -> None:
        rows = [SpanRow(span=1, means=(_PROMPT,)), SpanRow(span=2)]
        write(tenant, rows)
        join, texts = join_of(1, 2, [_PROMPT])
        tenant.writer.join([join], texts)
        tenant.writer.delete(Signal.SPANS, _ids(rows[0]))
        pointing = PointsAt((meaning_of(_PROMPT).id,))
        assert all_pages(tenant, pointing) == _ids(rows[1])
        tenant.writer.delete(Signal.SPANS, _ids(rows[1]))
        assert tenant.meanings.get([meaning_of(_PROMPT).id]) == {}

    def test_what_a_deleted_record_was_to_join_waits_no_longer(self, tenant: TenantStore) -> None:
        log = LogRow(trace=9, span=9, body="said", means=((Facet.LOG, "said"),))
        join, texts = join_of(9, 9, [_ANSWER])
        write(tenant, [log])
        tenant.writer.join([join], texts)
        answer = meaning_of(_ANSWER).id
        assert answer in tenant.meanings.get([answer])
        tenant.writer.delete(Signal.LOGS, _ids(log))
        assert tenant.meanings.get([answer]) == {}
        write(tenant, [SpanRow(trace=9, span=9)])
        assert all_pages(tenant, PointsAt((answer,))) == []

    def test_a_join_from_a_deleted_record_is_not_made(self, tenant: TenantStore) -> None:
        log = LogRow(trace=9, span=9, body="said")
        write(tenant, [SpanRow(trace=9, span=9)])
        tenant.writer.delete(Signal.LOGS, _ids(log))
        join, texts = join_of(9, 9, [_ANSWER], source=item_of(log).id)
        tenant.writer.join([join], texts)
        assert tenant.meanings.get([meaning_of(_ANSWER).id]) == {}
        assert all_pages(tenant, PointsAt((meaning_of(_ANSWER).id,))) == []

    def test_everything_can_be_deleted_and_others_stored(self, tenant: TenantStore) -> None:
        write(tenant, _SPANS[:60])
        write(tenant, _LOGS)
        tenant.writer.delete(Signal.SPANS, _ids(*_SPANS[:60]))
        tenant.writer.delete(Signal.LOGS, _ids(*_LOGS))
        assert all_pages(tenant, Where(runs=ALL_RUNS)) == []
        assert tenant.meanings.counts().total == 0
        assert tenant.reader.candidates(Signal.SPANS, Where()) == {}
        write(tenant, _SPANS[60:])
        self._tells_of(tenant, _SPANS[60:])

    def test_a_checkpoint_after_a_deletion_brings_nothing_back(self, store: Store) -> None:
        tenant = store.tenant(TENANT)
        write(tenant, _SPANS[:60])
        tenant.writer.delete(Signal.SPANS, _ids(*_SPANS[:20]))
        store.checkpoint()
        self._tells_of(tenant, _SPANS[20:60])

    def test_deletions_survive_a_restart(self, tmp_path: Path) -> None:
        store = self.durable_store(tmp_path)
        write(store.tenant(TENANT), _SPANS)
        store.tenant(TENANT).writer.delete(Signal.SPANS, _ids(*_SPANS[40:]))
        store.close()
        reopened = self.open_store(tmp_path)
        tenant = reopened.tenant(TENANT)
        self._tells_of(tenant, _SPANS[:40])
        assert write(tenant, _SPANS).new == ()
        self._tells_of(tenant, _SPANS[:40])
        assert set(tenant.upkeep.tombstones()) == set(_ids(*_SPANS[40:]))
        reopened.close()

    def _tells_of(self, tenant: TenantStore, rows: list[SpanRow]) -> None:
        """Check that every answer is that of these rows."""
        assert all_pages(tenant) == newest_first(rows)
        assert tenant.size().spans == len(rows)
        items = [item_of(row) for row in rows]
        pointed = {m for item in items for m in item.meanings}
        counts = {m: sum(m in item.meanings for item in items) for m in pointed}
        assert tenant.reader.candidates(Signal.SPANS, Where()) == counts
        tallies = tenant.reader.tally(Signal.SPANS, Where(), [*pointed, meaning_of(_ANSWER).id])
        assert tallies.pop(meaning_of(_ANSWER).id) == Tally()
        for meaning, tally in tallies.items():
            starts = [item.start_ns for item in items if meaning in item.meanings]
            assert (tally.first_ns, tally.last_ns) == (min(starts), max(starts))
            assert tally.count == counts[meaning] == sum(tally.histogram.values())
        assert tenant.meanings.get([*pointed]).keys() == pointed
