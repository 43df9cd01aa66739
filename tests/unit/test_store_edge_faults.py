"""What a failed or interrupted write leaves of the embedded store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import qdrant_edge

from otel_vector.errors import StorageFullError, StoreLockedError
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.filters import BuiltIn, Compare, Op, Where
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.edge import EdgeStore
from otel_vector.store.edge.faults import translated
from otel_vector.store.edge.shard import SpanShard
from otel_vector.testing.builders import (
    SECOND_NS,
    T0_NS,
    TENANT,
    LogRow,
    SpanRow,
    batch_of,
    digest_of,
    join_of,
    trace_bytes,
)


def open_store(folder: Path, **config: int) -> EdgeStore:
    return EdgeStore(folder, StoreConfig(**config), "none", 0)


def failing_from(call: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that fails once, at its n-th call, as a full disk does."""
    calls = iter(range(1, 10_000))

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == call:
            raise StorageFullError("the disk is full")
        return function(*args, **kwargs)

    return wrapper


def test_a_waiting_join_outlives_a_write_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path)
    tenant = store.tenant(TENANT)
    join, texts = join_of(1, 1, [(Facet.ERROR, "card declined")])
    tenant.writer.join([join], texts)
    batch = batch_of([SpanRow(trace=1, span=1)])
    with monkeypatch.context() as patch:
        patch.setattr(SpanShard, "insert", failing_from(1, SpanShard.insert))
        with pytest.raises(StorageFullError):
            tenant.writer.write(batch, digest_of(batch))
    store.checkpoint()
    fresh = batch_of([SpanRow(trace=1, span=1)])
    tenant.writer.write(fresh, digest_of(fresh))
    (item,) = tenant.reader.trace(trace_bytes(1))
    assert set(join.meanings) <= set(item.meanings)
    store.close()


def test_counts_and_windows_are_right_after_an_insert_that_failed_half_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path)
    tenant = store.tenant(TENANT)
    rows = [SpanRow(trace=n, span=n, start_ns=T0_NS + n * SECOND_NS) for n in range(1, 600)]
    batch = batch_of(rows)
    with monkeypatch.context() as patch:
        patch.setattr(SpanShard, "insert", failing_from(2, SpanShard.insert))
        with pytest.raises(StorageFullError):
            tenant.writer.write(batch, digest_of(batch))
    tenant.writer.write(batch, digest_of(batch))
    assert tenant.size().spans == len(rows)
    window = Where(since_ns=T0_NS, until_ns=T0_NS + 6 * SECOND_NS)
    assert len(tenant.reader.find(Signal.SPANS, window, 100).items) == 5
    store.close()


def test_a_store_can_be_opened_again_after_a_close_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path)
    batch = batch_of([SpanRow()])
    store.tenant(TENANT).writer.write(batch, digest_of(batch))
    with monkeypatch.context() as patch:
        patch.setattr(SpanShard, "flush", failing_from(1, SpanShard.flush))
        with pytest.raises(StorageFullError):
            store.close()
    store = open_store(tmp_path)
    assert store.tenant(TENANT).size().spans == 1
    store.close()


def test_a_locked_shard_is_told_apart_from_a_damaged_one(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    batch = batch_of([SpanRow()])
    store.tenant(TENANT).writer.write(batch, digest_of(batch))
    (folder,) = tmp_path.glob("tenants/*/*/live-00001")
    with pytest.raises(StoreLockedError), translated("opening it"):
        qdrant_edge.EdgeShard.load(str(folder))
    store.close()


def test_an_empty_service_finds_logs_without_one_among_unindexed_conditions(
    tmp_path: Path,
) -> None:
    store = open_store(tmp_path)
    tenant = store.tenant(TENANT)
    batch = batch_of([LogRow(service="", body="one"), LogRow(service="shop", body="two")])
    tenant.writer.write(batch, digest_of(batch))
    where = Where(Compare(BuiltIn.SERVICE, Op.EQ, ("",)))
    found = tenant.reader.find(Signal.LOGS, where, 10).items
    assert [item.message.body.string_value for item in found] == ["one"]
    store.close()


def test_joins_that_wait_are_bounded_and_the_oldest_go_first(tmp_path: Path) -> None:
    store = open_store(tmp_path, max_waiting_joins=2)
    tenant = store.tenant(TENANT)
    for number in (1, 2, 3):
        join, texts = join_of(number, 1, [(Facet.ERROR, f"fault {number}")])
        tenant.writer.join([join], texts)
    store.checkpoint()
    store.close()

    store = open_store(tmp_path, max_waiting_joins=2)
    tenant = store.tenant(TENANT)
    batch = batch_of([SpanRow(trace=number, span=1) for number in (1, 2, 3)])
    tenant.writer.write(batch, digest_of(batch))
    joined = [len(tenant.reader.trace(trace_bytes(n))[0].meanings) for n in (1, 2, 3)]
    assert joined == [1, 2, 2]
    store.close()
