"""What retention chooses to drop, and what is left out when it comes too late."""

import pytest

from otel_vector.errors import JobCancelledError
from otel_vector.events.local import LocalEvents
from otel_vector.ingest.aging import Aging
from otel_vector.ingest.sink import Sink
from otel_vector.ingest.stages import Stages
from otel_vector.maintain.retain import Retention
from otel_vector.settings.config import RetentionConfig, StoreConfig
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.store.edge import EdgeStore
from otel_vector.store.memory import MemoryStore
from otel_vector.telemetry import Telemetry
from otel_vector.testing.builders import (
    SECOND_NS,
    T0_NS,
    TENANT,
    LogRow,
    SpanRow,
    batch_of,
    digest_of,
)

DAY_NS = 86_400 * SECOND_NS
NOON = T0_NS // DAY_NS * DAY_NS + DAY_NS // 2


def write(store, rows, tenant=TENANT):
    batch = batch_of(rows, tenant)
    store.tenant(tenant).writer.write(batch, digest_of(batch))


def days(count, per_day=4):
    """Return spans of so many days before `NOON`, the oldest first, every quarter of a day."""
    starts = [NOON - (count * per_day - n) * DAY_NS // per_day for n in range(count * per_day)]
    return [SpanRow(span=n + 1, trace=n + 1, start_ns=start) for n, start in enumerate(starts)]


def kept(store, tenant=TENANT):
    page = store.tenant(tenant).reader.find(Signal.SPANS, Where(), 1000)
    return [item.start_ns for item in page.items]


@pytest.fixture
def store():
    opened = MemoryStore(8)
    yield opened
    opened.close()


def retention(store, **config):
    return Retention(store, RetentionConfig(**config), lambda: NOON)


def test_nothing_is_dropped_unless_it_is_told(store):
    write(store, days(5))
    assert not retention(store).is_on
    assert retention(store).oldest_ns() is None
    assert retention(store).run() == 0
    assert len(kept(store)) == 20


def test_what_is_too_old_goes_to_the_hour(store):
    write(store, days(5))
    keeper = retention(store, max_age_s=2.5 * 86_400)
    assert keeper.run() == 10
    assert min(kept(store)) == NOON - 5 * DAY_NS // 2
    assert keeper.dropped[TENANT] == 10
    assert keeper.run() == 0


def test_every_tenant_is_looked_after(store):
    other = Tenant("other")
    write(store, days(3))
    write(store, days(3), other)
    assert retention(store, max_age_s=86_400).run() == 16
    assert len(kept(store)) == len(kept(store, other)) == 4


def test_a_plan_changes_nothing(store):
    write(store, days(3))
    planned = retention(store, max_age_s=86_400).planned()
    assert [drop.reason for drop in planned] == ["age"] * len(planned)
    assert [drop.before_ns is None for drop in planned] == [True, True, False]
    assert len(kept(store)) == 12


def test_it_ends_between_two_partitions_when_it_is_told_to(store):
    write(store, days(5))

    def stop(done, total=None, note=""):
        if done == 1:
            raise JobCancelledError("cancelled")

    with pytest.raises(JobCancelledError):
        retention(store, max_age_s=86_400).run(stop)
    assert len(kept(store)) == 18


def test_by_size_the_oldest_partitions_go_and_the_newest_stays(tmp_path):
    store = EdgeStore(tmp_path, StoreConfig(), "none", 0)
    rows = [SpanRow(span=n, start_ns=T0_NS + n * 40 * DAY_NS) for n in range(1, 5)]
    write(store, rows)
    store.checkpoint()
    whole = store.tenant(TENANT).size().disk_bytes
    oldest = store.tenant(TENANT).upkeep.partitions()[0]
    keeper = retention(store, max_bytes=whole - oldest.disk_bytes // 2)
    assert [(d.partition.name, d.reason) for d in keeper.planned()] == [(oldest.name, "size")]
    assert keeper.run() == 1
    assert len(kept(store)) == 3
    assert retention(store, max_bytes=1).run() == 2
    assert kept(store) == [rows[-1].start_ns]
    store.close()


def test_what_comes_too_late_is_counted_and_not_stored(store):
    telemetry = Telemetry()
    aging = Aging(retention(store, max_age_s=86_400).oldest_ns, telemetry)
    sink = Sink(store, LocalEvents(), Stages(telemetry), aging.kept)
    sink.write(TENANT, batch_of(days(3)))
    sink.write(TENANT, batch_of(days(3)[:2]))
    sink.write(TENANT, batch_of([LogRow(start_ns=T0_NS - 9 * DAY_NS)]))
    assert min(kept(store)) >= NOON - DAY_NS
    assert aging.count == 8 + 2 + 1
    assert store.tenant(TENANT).size().logs == 0
    assert store.tenant(TENANT).meanings.counts().total == 1
