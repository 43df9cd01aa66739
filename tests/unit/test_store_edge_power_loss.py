"""What the embedded store does after a power loss took blocks and left their points."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from otel_vector.settings.config import StoreConfig
from otel_vector.spans.filters import Where
from otel_vector.spans.meanings import Signal
from otel_vector.store.edge import EdgeStore
from otel_vector.testing.builders import TENANT, SpanRow, batch_of, digest_of, trace_bytes


def lose_blocks(folder: Path) -> None:
    (file,) = folder.glob("tenants/*/*/blocks.db")
    with sqlite3.connect(file) as database:
        database.execute("DELETE FROM block")
    database.close()


def open_store(folder: Path) -> EdgeStore:
    return EdgeStore(folder, StoreConfig(), "none", 0)


def test_points_without_their_block_are_passed_over_and_replaced_by_the_redelivery(
    tmp_path: Path,
) -> None:
    batch = batch_of([SpanRow(trace=1, span=n) for n in range(1, 6)])
    store = open_store(tmp_path)
    store.tenant(TENANT).writer.write(batch, digest_of(batch))
    store.close()
    lose_blocks(tmp_path)

    store = open_store(tmp_path)
    tenant = store.tenant(TENANT)
    assert tenant.reader.trace(trace_bytes(1)) == []
    assert tenant.reader.find(Signal.SPANS, Where(), 10).items == ()
    written = tenant.writer.write(batch, digest_of(batch))
    assert sorted(written.new) == sorted(batch.ids)
    assert sorted(i.id for i in tenant.reader.trace(trace_bytes(1))) == sorted(batch.ids)
    store.close()


def test_a_resend_in_another_batch_after_the_loss_is_stored(tmp_path: Path) -> None:
    first = batch_of([SpanRow(trace=1, span=n) for n in range(1, 6)])
    store = open_store(tmp_path)
    store.tenant(TENANT).writer.write(first, digest_of(first))
    store.close()
    lose_blocks(tmp_path)

    store = open_store(tmp_path)
    tenant = store.tenant(TENANT)
    other = batch_of([SpanRow(trace=1, span=n) for n in range(3, 9)])
    written = tenant.writer.write(other, digest_of(other))
    assert sorted(written.new) == sorted(other.ids)
    assert sorted(i.id for i in tenant.reader.trace(trace_bytes(1))) == sorted(other.ids)
    store.close()
