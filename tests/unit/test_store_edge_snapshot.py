"""A snapshot, taken while others read and write, opens as a store that answers the same."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from otel_vector.errors import JobCancelledError, UnsupportedError
from otel_vector.progress import unreported
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.store.edge import EdgeStore
from otel_vector.store.memory import MemoryStore
from otel_vector.testing.builders import SpanRow, batch_of

A, B = Tenant("a"), Tenant("b")
CONFIG = StoreConfig(span_shard_points=100)


def filled(folder: Path) -> EdgeStore:
    store = EdgeStore(folder, CONFIG, "none", 0)
    for tenant in (A, B):
        for n in range(5):
            write(store, tenant, n)
    return store


def write(store, tenant, n):
    batch = batch_of([SpanRow(trace=n, span=i) for i in range(40 * n, 40 * n + 40)], tenant)
    store.tenant(tenant).writer.write(batch, b"%s-%d" % (tenant.encode(), n))


def content(store, tenant):
    reader, found, cursor = store.tenant(tenant).reader, [], None
    while True:
        page = reader.find(Signal.SPANS, Where(runs=()), 500, cursor)
        found += [
            (item.id, item.meanings, item.message.SerializeToString()) for item in page.items
        ]
        cursor = page.next
        if cursor is None:
            return found


def test_a_copy_answers_as_the_store_did(tmp_path):
    store = filled(tmp_path / "store")
    (tmp_path / "copy").mkdir()
    store.snapshot(tmp_path / "copy", unreported)
    expected = {tenant: content(store, tenant) for tenant in (A, B)}
    store.close()
    copy = EdgeStore(tmp_path / "copy", CONFIG, "none", 0)
    assert {tenant: content(copy, tenant) for tenant in (A, B)} == expected
    assert all(len(found) == 200 for found in expected.values())
    copy.close()


def test_writing_goes_on_and_the_copy_holds_whole_writes_only(tmp_path):
    store = filled(tmp_path / "store")
    (tmp_path / "copy").mkdir()
    stop = threading.Event()

    def keep_writing():
        n = 5
        while not stop.is_set():
            write(store, A, n)
            n += 1

    writer = threading.Thread(target=keep_writing)
    writer.start()
    store.snapshot(tmp_path / "copy", unreported)
    stop.set()
    writer.join()
    everything = content(store, A)
    store.close()
    copy = EdgeStore(tmp_path / "copy", CONFIG, "none", 0)
    copied = content(copy, A)
    assert len(copied) >= 200 and len(copied) % 40 == 0
    assert set(copied) <= set(everything)
    copy.close()


def test_reports_reach_the_total_and_may_end_it(tmp_path):
    store = filled(tmp_path / "store")
    reports = []
    (tmp_path / "copy").mkdir()
    store.snapshot(tmp_path / "copy", lambda done, total, note="": reports.append((done, total)))
    assert reports[-1][0] == reports[-1][1] == len(reports)

    def cancelled(done, total=None, note=""):
        raise JobCancelledError("enough")

    (tmp_path / "other").mkdir()
    with pytest.raises(JobCancelledError):
        store.snapshot(tmp_path / "other", cancelled)
    write(store, A, 9)
    assert len(content(store, A)) == 240
    store.close()


def test_a_store_in_memory_says_what_to_do_instead(tmp_path):
    with pytest.raises(UnsupportedError, match="export it"):
        MemoryStore(0).snapshot(tmp_path, unreported)
