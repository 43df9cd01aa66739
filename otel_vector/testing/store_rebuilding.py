"""Promises of rebuilding: points made again from blocks say what they said before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.describe.describer import Describer
from otel_vector.errors import JobCancelledError
from otel_vector.progress import unreported
from otel_vector.settings.config import DescribeConfig
from otel_vector.spans.batch import Batch
from otel_vector.spans.filters import PointsAt, Where
from otel_vector.spans.ids import MeaningId, meaning_id
from otel_vector.spans.items import logs_data, traces_data
from otel_vector.spans.meanings import Facet, Meaning, Signal
from otel_vector.store.contract import TenantStore
from otel_vector.store.upkeep import Describe
from otel_vector.testing.builders import (
    T0_NS,
    TENANT,
    LogRow,
    Row,
    SpanRow,
    digest_of,
    item_of,
    trace_bytes,
)
from otel_vector.testing.store_case import StoreCase, all_pages

__all__ = ["RebuildPromises", "described"]

_DAY_NS = 86_400 * 10**9
_SPANS = [
    SpanRow(
        name=f"op {n % 5}", span=n, trace=1 + n % 7, status=2 if n % 11 == 0 else 0,
        status_message="card declined" if n % 11 == 0 else "",
        start_ns=T0_NS + n + (n % 3) * 40 * _DAY_NS,
        attributes={"gen_ai.prompt": f"question {n % 4}"} if n % 13 == 0 else {},
    )
    for n in range(1, 71)
]  # fmt: skip
_LOGS = [
    LogRow(body=f"payment {n} failed", severity=17, trace=1 + n % 7, span=n,
           start_ns=T0_NS + n + 40 * _DAY_NS)
    for n in range(1, 25)
]  # fmt: skip


class RebuildPromises(StoreCase):
    """What holds while points are made again, and after it."""

    def test_rebuilt_partitions_answer_as_before(self, tenant: TenantStore) -> None:
        _fill(tenant)
        before, watch = _answers(tenant), _Once(lambda: None)
        names = [partition.name for partition in tenant.upkeep.partitions()]
        assert len(names) > 1
        total = sum(
            tenant.upkeep.rebuild(name, described, watch)
            for name in names
        )  # fmt: skip
        assert total == len(_SPANS) + len(_LOGS)
        assert watch.reports > len(names)
        assert _answers(tenant) == before
        assert tenant.upkeep.damaged() == {}

    def test_rebuilding_again_changes_nothing(self, tenant: TenantStore) -> None:
        _fill(tenant)
        before = _answers(tenant)
        for _ in range(2):
            _rebuild_all(tenant, described)
        assert _answers(tenant) == before

    def test_what_was_deleted_stays_deleted(self, tenant: TenantStore) -> None:
        _fill(tenant)
        gone = [item_of(row).id for row in _SPANS[:20]]
        tenant.writer.delete(Signal.SPANS, gone)
        before = _answers(tenant)
        _rebuild_all(tenant, described)
        assert _answers(tenant) == before
        assert tenant.reader.items(Signal.SPANS, gone) == []

    def test_other_texts_take_the_place_of_those_that_are_described_no_more(
        self, tenant: TenantStore
    ) -> None:
        _fill(tenant)
        before = tenant.reader.candidates(Signal.SPANS, Where())
        _rebuild_all(tenant, _shouting)
        after = tenant.reader.candidates(Signal.SPANS, Where())
        assert sorted(after.values()) == sorted(before.values())
        texts = {m.text for m in tenant.meanings.get(list(after)).values()}
        assert texts
        assert texts == {text.upper() for text in texts}
        assert tenant.meanings.get([i for i in before if i not in after]) == {}
        tallies = tenant.reader.tally(Signal.SPANS, Where(), list(after))
        assert {m: tally.count for m, tally in tallies.items()} == after

    def test_what_comes_meanwhile_is_kept(self, tenant: TenantStore) -> None:
        _fill(tenant)
        late = [SpanRow(span=500 + n, trace=2, start_ns=T0_NS + 500 + n) for n in range(9)]
        log = LogRow(body="late trouble", severity=17, trace=_SPANS[2].trace, span=_SPANS[2].span)
        gone = item_of(_SPANS[5]).id

        def work() -> None:
            _write(tenant, late)
            _write(tenant, [log])
            tenant.writer.delete(Signal.SPANS, [gone])

        meanwhile = _Once(work)
        for partition in tenant.upkeep.partitions():
            tenant.upkeep.rebuild(partition.name, described, meanwhile)
        assert meanwhile.done
        rows = [*_SPANS, *late]
        expected = {item_of(row).id for row in rows} - {gone}
        assert set(all_pages(tenant, Where(runs=()))) == expected
        (item,) = tenant.reader.items(Signal.SPANS, [item_of(_SPANS[2]).id])
        joined = described(Signal.LOGS, logs_data([item_of(log)]).SerializeToString()).joins
        assert set(joined[0].meanings) <= set(item.meanings)
        before = _answers(tenant)
        _rebuild_all(tenant, described)
        assert _answers(tenant) == before

    def test_a_rebuild_that_is_told_to_end_leaves_the_old_points(
        self, tenant: TenantStore
    ) -> None:
        _fill(tenant)
        before = _answers(tenant)

        def end(done: int, total: int | None = None, note: str = "") -> None:
            raise JobCancelledError(f"told to end at {done} of {total} {note}")

        with pytest.raises(JobCancelledError):
            tenant.upkeep.rebuild(tenant.upkeep.partitions()[0].name, described, end)
        assert _answers(tenant) == before
        _write(tenant, [SpanRow(span=900)])
        assert len(all_pages(tenant)) == len(_SPANS) + 1

    def test_blocks_come_in_the_order_of_their_names(self, tenant: TenantStore) -> None:
        _fill(tenant)
        for partition in tenant.upkeep.partitions():
            names = [block.name for block in tenant.upkeep.blocks(partition.name)]
            assert names == sorted(set(names))
            rest = [block.name for block in tenant.upkeep.blocks(partition.name, names[0])]
            assert rest == names[1:]
        assert list(tenant.upkeep.blocks("no such partition")) == []
        assert tenant.upkeep.rebuild("no such partition", described, unreported) == 0


@dataclass(slots=True)
class _Once:
    """A `Progress` that does something at its second report."""

    work: Callable[[], object]
    reports: int = 0
    done: bool = False

    def __call__(self, done: int, total: int | None = None, note: str = "") -> None:
        assert 0 <= done <= (done if total is None else total), note
        self.reports += 1
        if self.reports > 1 and not self.done:
            self.done = True
            self.work()


def described(signal: Signal, message: bytes) -> Batch:
    """Describe a stored block by the recipe."""
    describer = Describer(DescribeConfig(), TENANT)
    if signal is Signal.SPANS:
        return describer.traces(TracesData.FromString(message))
    return describer.logs(LogsData.FromString(message))


def _shouting(signal: Signal, message: bytes) -> Batch:
    """Describe by another recipe: every text in capitals."""
    batch = described(signal, message)
    new = {old: _loud(meaning) for old, meaning in batch.texts.items()}
    batch.texts = {meaning.id: meaning for meaning in new.values()}
    batch.meanings = [tuple(new[m].id for m in row) for row in batch.meanings]
    batch.joins = [
        replace(join, meanings=tuple(new[m].id for m in join.meanings)) for join in batch.joins
    ]
    return batch


def _loud(meaning: Meaning) -> Meaning:
    text = meaning.text.upper()
    identity = meaning_id(TENANT, meaning.facet, f"{text} of {meaning.id}")
    return replace(meaning, id=MeaningId(identity), text=text, recipe=meaning.recipe + 1)


def _fill(tenant: TenantStore) -> None:
    for start in range(0, len(_SPANS), 17):
        _write(tenant, _SPANS[start : start + 17])
    _write(tenant, _LOGS)


def _write(tenant: TenantStore, rows: list[SpanRow] | list[LogRow]) -> None:
    items = [item_of(row) for row in list[Row](rows)]
    signal = items[0].signal
    data = traces_data(items) if signal is Signal.SPANS else logs_data(items)
    batch = described(signal, data.SerializeToString())
    tenant.writer.write(batch, digest_of(batch))
    tenant.writer.join(batch.joins, batch.texts)


def _rebuild_all(tenant: TenantStore, describe: Describe) -> None:
    for partition in tenant.upkeep.partitions():
        tenant.upkeep.rebuild(partition.name, describe, unreported)


def _answers(tenant: TenantStore) -> tuple[object, ...]:
    """Return what is to be the same before and after."""
    candidates = tenant.reader.candidates(Signal.SPANS, Where())
    errors = [m.id for m in tenant.meanings.get(list(candidates)).values()
              if m.facet is Facet.ERROR]  # fmt: skip
    spans = tenant.reader.items(Signal.SPANS, all_pages(tenant))
    return (
        [(item.id, set(item.meanings)) for item in spans],
        all_pages(tenant, PointsAt(tuple(sorted(errors)))),
        all_pages(tenant, signal=Signal.LOGS),
        candidates,
        tenant.reader.candidates(Signal.LOGS, Where()),
        tenant.reader.tally(Signal.SPANS, Where(), list(candidates)),
        [item.id for item in tenant.reader.trace(trace_bytes(3))],
        tenant.meanings.counts().total,
        (tenant.size().spans, tenant.size().logs),
    )
