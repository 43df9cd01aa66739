"""The open shards of a tenant, shared by one writing and many reading threads."""

import threading

import pytest

from otel_vector.errors import StorageFullError
from otel_vector.store.edge import faults
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.open_shards import OpenShards
from otel_vector.store.edge.pool import Pool
from otel_vector.store.edge.shard import create_shard_folder, shard_folder
from otel_vector.store.edge.skip import Skip

THREADS = 4
ID = "ab" * 16


def shard(root, number):
    row = ShardRow(number, "2026-01", "live")
    (root / row.folder).mkdir(exist_ok=True)
    create_shard_folder(shard_folder(root / row.folder, row))
    return row


@pytest.fixture
def pool(tmp_path):
    made = Pool(tmp_path, OpenShards(2))
    yield made
    made.close()


def test_threads_that_ask_first_at_once_share_one_bloom_filter(tmp_path, pool):
    """A second one, made while the writer adds to the first, would not know what was added."""
    for number in range(1, 6):
        row, together, skips = shard(tmp_path, number), threading.Barrier(THREADS), []

        def ask(row=row, together=together, skips=skips):
            together.wait()
            skips.append(pool.skip(row))

        threads = [threading.Thread(target=ask) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {id(skip) for skip in skips} == {id(pool.skip(row))}


def test_a_shard_that_cannot_be_flushed_stays_open_over_the_limit(tmp_path, pool, monkeypatch):
    """Dropped, it would keep its lock, and nobody could open it again."""
    rows = [shard(tmp_path, number) for number in (1, 2, 3)]
    for row in rows[:2]:
        with pool.lease(row) as opened:
            opened.dirty = True
    monkeypatch.setattr(faults, "_MIN_FREE_BYTES", 1 << 62)
    with pool.lease(rows[2]), pool.lease(rows[0]) as first:
        assert pool.open_count() == 3
        with pytest.raises(StorageFullError):
            first.flush()
        assert first.dirty
    monkeypatch.undo()
    with pool.lease(shard(tmp_path, 4)):
        assert pool.open_count() == 2


def test_a_damaged_bloom_filter_is_made_again(tmp_path, pool):
    """A file that was cut off by a power loss must not keep a store from opening."""
    row = shard(tmp_path, 1)
    path = shard_folder(tmp_path / row.folder, row).with_suffix(".bloom")
    for damage in (b"", b"not what it was", b"\x28\xb5\x2f\xfd\x00"):
        path.write_bytes(damage)
        assert not Skip(path).complete
    skip = pool.skip(row)
    skip.add([ID], [7])
    skip.save()
    assert Skip(path).ids([ID]) == [ID]
