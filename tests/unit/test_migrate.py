"""Moving a store into another one: all of it, resumably, without embedding, proven at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otel_vector.errors import JobCancelledError, ModelMismatchError, StoreDamagedError
from otel_vector.maintain.describing import describers
from otel_vector.maintain.migrate import Migrated, migrate
from otel_vector.progress import Progress, unreported
from otel_vector.settings.config import DescribeConfig, StoreConfig
from otel_vector.spans.batch import digest_of
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.items import logs_data, traces_data
from otel_vector.spans.meanings import Signal
from otel_vector.state.sqlite import SqliteState
from otel_vector.store.contract import Store, TenantStore
from otel_vector.store.edge import EdgeStore
from otel_vector.store.memory import MemoryStore
from otel_vector.store.records import Draft
from otel_vector.testing.builders import T0_NS, LogRow, Row, SpanRow, item_of
from otel_vector.testing.store_case import all_pages

ONE, OTHER = Tenant("one"), Tenant("other")
DAY_NS = 86_400 * 10**9
CONFIG = StoreConfig(span_shard_points=100, max_partitions=6)

SPANS = [
    SpanRow(
        name=f"op {n % 5}", span=n, trace=1 + n % 7, start_ns=T0_NS + n + (n % 3) * 40 * DAY_NS,
        status=2 if n % 11 == 0 else 0, status_message="card declined" if n % 11 == 0 else "",
    )
    for n in range(1, 301)
]  # fmt: skip
LOGS = [
    LogRow(body=f"payment {n} failed", severity=17, trace=1 + n % 7, span=n, start_ns=T0_NS + n)
    for n in range(1, 25)
]


describer_of = describers(DescribeConfig())


def write(store: Store, rows: list[Any], tenant: Tenant = ONE) -> list[SpanId]:
    items = [item_of(row, tenant) for row in list[Row](rows)]
    signal = items[0].signal
    data = traces_data(items) if signal is Signal.SPANS else logs_data(items)
    batch = describer_of(tenant)(signal, data.SerializeToString())
    part = store.tenant(tenant)
    new = part.writer.write(batch, digest_of(tenant, batch)).new
    part.writer.join(batch.joins, batch.texts)
    return list(new)


def fill_vectors(tenant: TenantStore) -> None:
    pending = tenant.meanings.pending(10_000)
    tenant.meanings.fill({m.id: [float(m.id % 97 + 1)] + [1.0] * 7 for m in pending})


def answers(tenant: TenantStore) -> tuple[object, ...]:
    everything = Where(runs=())
    spans = tenant.reader.items(Signal.SPANS, all_pages(tenant, everything))
    logs = tenant.reader.items(Signal.LOGS, all_pages(tenant, everything, Signal.LOGS))
    candidates = tenant.reader.candidates(Signal.SPANS, everything)
    vectors = tenant.meanings.vectors(list(candidates))
    return (
        [(i.id, i.message.SerializeToString(deterministic=True)) for i in (*spans, *logs)],
        [(i.id, set(i.meanings)) for i in (*spans, *logs)],
        candidates,
        tenant.reader.tally(Signal.SPANS, everything, list(candidates)),
        {m: [round(x, 4) for x in v] for m, v in vectors.items()},
        tenant.meanings.counts(),
        tenant.upkeep.tombstones(),
    )


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Store]:
    store = EdgeStore(tmp_path / "source", CONFIG, "test-model", 8)
    for start in range(0, len(SPANS), 17):
        write(store, SPANS[start : start + 17])
    write(store, LOGS)
    write(store, SPANS[:9], OTHER)
    fill_vectors(store.tenant(ONE))
    yield store
    store.close()


def memory(_: Path) -> Store:
    return MemoryStore(8, "test-model")


def edge(folder: Path) -> Store:
    return EdgeStore(folder / "target", CONFIG, "test-model", 8)


@pytest.fixture(params=[memory, edge], ids=["memory", "edge"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    make: Callable[[Path], Store] = request.param
    store = make(tmp_path)
    yield store
    store.close()


@pytest.fixture
def moved(source: Store, target: Store, tmp_path: Path) -> Iterator[Callable[..., Migrated]]:
    state = SqliteState(tmp_path / "state.db")

    def run(progress: Progress = unreported) -> Migrated:
        return migrate(source, target, describer_of, state, "target", progress)

    yield run
    state.close()


def test_everything_is_there_and_answers_the_same(
    source: Store, target: Store, moved: Callable[..., Migrated]
) -> None:
    done = moved()
    assert done.written == len(SPANS) + len(LOGS) + 9
    assert sorted(target.tenants()) == [ONE, OTHER]
    for tenant in (ONE, OTHER):
        assert answers(target.tenant(tenant)) == answers(source.tenant(tenant))


def test_partitions_are_compared_by_count_and_content(
    source: Store, moved: Callable[..., Migrated]
) -> None:
    compared = moved().partitions
    expected = [
        (tenant, partition.name, partition.items)
        for tenant in source.tenants()
        for partition in source.tenant(tenant).upkeep.partitions()
    ]
    assert [(c.tenant, c.partition, c.items) for c in compared] == expected
    assert all(c.items == c.found and c.content == c.found_content for c in compared)
    assert len({c.content for c in compared}) == len(compared)


def test_nothing_is_embedded_again(target: Store, moved: Callable[..., Migrated]) -> None:
    done = moved()
    assert target.tenant(ONE).meanings.counts().pending == 0
    assert target.tenant(OTHER).meanings.counts().pending > 0
    assert done.vectors == target.tenant(ONE).meanings.counts().total


def test_a_second_run_changes_nothing(target: Store, moved: Callable[..., Migrated]) -> None:
    moved()
    before = answers(target.tenant(ONE))
    again = moved()
    assert (again.written, again.tombstones, again.records) == (0, 0, 0)
    assert answers(target.tenant(ONE)) == before


def test_what_came_since_is_copied_by_the_next_run(
    source: Store, target: Store, moved: Callable[..., Migrated]
) -> None:
    moved()
    late = [SpanRow(span=900 + n, trace=3, start_ns=T0_NS + n) for n in range(5)]
    write(source, late)
    assert moved().written == 5
    assert answers(target.tenant(ONE)) == answers(source.tenant(ONE))


@pytest.mark.parametrize("reports", [1, 3, 6])
def test_a_run_that_was_ended_goes_on_with_the_next(
    source: Store, target: Store, moved: Callable[..., Migrated], reports: int
) -> None:
    left = [reports]

    def end(done: int, total: int | None = None, note: str = "") -> None:
        assert total is not None, note
        assert done <= total
        left[0] -= 1
        if not left[0]:
            raise JobCancelledError("told to end")

    with pytest.raises(JobCancelledError):
        moved(end)
    moved()
    assert answers(target.tenant(ONE)) == answers(source.tenant(ONE))
    assert answers(target.tenant(OTHER)) == answers(source.tenant(OTHER))


def test_what_was_deleted_stays_deleted(
    source: Store, target: Store, moved: Callable[..., Migrated]
) -> None:
    before = source.tenant(ONE)
    early = [item_of(row, ONE).id for row in SPANS[:9]]
    before.writer.delete(Signal.SPANS, early)
    moved()
    late = [item_of(row, ONE).id for row in SPANS[20:25]]
    before.writer.delete(Signal.SPANS, late)
    assert moved().tombstones == len(late)
    assert answers(target.tenant(ONE)) == answers(before)
    assert target.tenant(ONE).upkeep.tombstones() == sorted([*early, *late])
    assert write(target, SPANS[:30]) == []


def test_records_come_with_their_versions(
    source: Store, target: Store, moved: Callable[..., Migrated]
) -> None:
    ours, theirs = source.tenant(ONE), target.tenant(ONE)
    texts = {m.id: m for m in ours.meanings.operations()}
    for body in range(3):
        draft = Draft("key", {"body": body}, tuple(texts)[:1])
        ours.records.put("functions", [draft, Draft(f"k{body}", {})], texts)
    assert moved().records == 6
    found = [
        (r.version, r.active, dict(r.body)) for r in theirs.records.versions("functions", "key")
    ]
    assert found == [(3, True, {"body": 2}), (2, False, {"body": 1}), (1, False, {"body": 0})]
    assert theirs.records.meanings() == ours.records.meanings()
    assert moved().records == 0


def test_another_model_is_refused_before_anything_is_written(
    source: Store, tmp_path: Path
) -> None:
    state = SqliteState(tmp_path / "state.db")
    other = EdgeStore(tmp_path / "other", CONFIG, "another-model", 8)
    with pytest.raises(ModelMismatchError, match="test-model"):
        migrate(source, other, describer_of, state, "other", unreported)
    assert other.tenants() == []
    other.close()
    state.close()


def test_a_target_that_was_emptied_is_filled_again(source: Store, tmp_path: Path) -> None:
    state = SqliteState(tmp_path / "state.db")
    for _ in range(2):
        emptied = MemoryStore(8, "test-model")
        migrate(source, emptied, describer_of, state, "same name", unreported)
        assert answers(emptied.tenant(ONE)) == answers(source.tenant(ONE))
    state.close()


def test_a_target_that_does_not_keep_an_item_is_an_error_that_names_the_partition(
    source: Store, target: Store, moved: Callable[..., Migrated]
) -> None:
    gone = item_of(SPANS[50], ONE)
    target.tenant(ONE).upkeep.bury([gone.id])
    day = next(
        p.name
        for p in source.tenant(ONE).upkeep.partitions()
        if p.first_ns <= gone.start_ns <= p.last_ns + 999
    )
    with pytest.raises(StoreDamagedError, match=f"partition {day} of tenant one .* 1 of"):
        moved()
