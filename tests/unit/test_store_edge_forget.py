"""What deletion leaves in the embedded store's files, and what readers see meanwhile."""

import sqlite3
import threading

import pytest
import zstandard

from otel_vector.errors import StorageFullError
from otel_vector.progress import unreported
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.filters import Phrase, Where
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.contract import Nearest
from otel_vector.store.edge import EdgeStore
from otel_vector.store.edge.blocks import BlockFile
from otel_vector.testing.builders import (
    SECOND_NS,
    T0_NS,
    TENANT,
    LogRow,
    SpanRow,
    batch_of,
    digest_of,
    item_of,
    join_of,
)

SECRET = "ermine vestibule 4417"
CONFIG = StoreConfig(span_shard_points=100)
ZSTD = b"\x28\xb5\x2f\xfd"


def opened(folder):
    return EdgeStore(folder, CONFIG, "test-model", 8)


def write(store, rows):
    batch = batch_of(rows)
    return store.tenant(TENANT).writer.write(batch, digest_of(batch)).new


def spans(count, first=1, **more):
    return [
        SpanRow(span=n, trace=n, start_ns=T0_NS + n * 1_000_003, **more)
        for n in range(first, first + count)
    ]


SECRETS = spans(
    20, 500, attributes={"note": SECRET}, resource={"user": SECRET}, means=((Facet.INPUT, SECRET),)
)


def holders(folder, text):
    """Return the files that hold a text, as they are or in what SQLite and zstd hold."""
    found = set()
    for path in (p for p in folder.rglob("*") if p.is_file()):
        body = path.read_bytes()
        bodies = [body]
        if body.startswith(b"SQLite format 3\x00"):
            bodies += values(path)
        if any(text.encode() in plain(one) for one in bodies):
            found.add(path.relative_to(folder).as_posix())
    return found


def values(path):
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    names = [n for (n,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")]
    for name in names:
        for row in database.execute(f"SELECT * FROM {name}"):
            yield from (v if isinstance(v, bytes) else str(v).encode() for v in row)
    database.close()


def plain(body):
    return zstandard.ZstdDecompressor().decompress(body) if body[:4] == ZSTD else body


def test_no_file_holds_a_deleted_text_after_compaction(tmp_path):
    store = opened(tmp_path)
    tenant = store.tenant(TENANT)
    write(store, [*spans(60), *SECRETS])
    log = LogRow(trace=900, span=900, body=SECRET)
    write(store, [log])
    join, texts = join_of(900, 900, [(Facet.OUTPUT, SECRET)], source=item_of(log).id)
    tenant.writer.join([join], texts)
    tenant.meanings.fill({m.id: [1.0] * 8 for m in tenant.meanings.pending(100)})
    store.checkpoint()
    assert len(holders(tmp_path, SECRET)) > 1
    tenant.writer.delete(Signal.SPANS, [item_of(row).id for row in SECRETS])
    tenant.writer.delete(Signal.LOGS, [item_of(log).id])
    assert tenant.meanings.nearest(Nearest([1.0] * 8, SECRET))[0].meaning.text != SECRET
    assert not tenant.reader.find(Signal.SPANS, Where(Phrase(SECRET)), 10).items
    assert not [at for at in holders(tmp_path, SECRET) if "blocks.db" in at]
    tenant.upkeep.compact()
    assert holders(tmp_path, SECRET) == set()
    store.close()
    assert holders(tmp_path, SECRET) == set()
    reopened = opened(tmp_path)
    assert write(reopened, SECRETS) == ()
    reopened.tenant(TENANT).writer.join([join], texts)
    reopened.checkpoint()
    assert holders(tmp_path, SECRET) == set()
    reopened.close()


def test_copies_that_a_crash_left_in_other_blocks_go_too(tmp_path, monkeypatch):
    store = opened(tmp_path)
    with monkeypatch.context() as dying:
        dying.setattr("otel_vector.store.edge.writer.EdgeWriter._insert", fail)
        with pytest.raises(RuntimeError):
            write(store, SECRETS)
    write(store, SECRETS[3:])
    write(store, SECRETS)
    store.tenant(TENANT).writer.delete(Signal.SPANS, [item_of(row).id for row in SECRETS])
    assert not [at for at in holders(tmp_path, SECRET) if "blocks.db" in at]
    store.close()


def test_a_block_without_points_is_blanked_when_it_is_delivered_again(tmp_path, monkeypatch):
    store = opened(tmp_path)
    with monkeypatch.context() as dying:
        dying.setattr("otel_vector.store.edge.writer.EdgeWriter._insert", fail)
        with pytest.raises(RuntimeError):
            write(store, SECRETS)
    store.tenant(TENANT).writer.delete(Signal.SPANS, [item_of(row).id for row in SECRETS])
    assert write(store, SECRETS) == ()
    store.tenant(TENANT).upkeep.compact()
    assert holders(tmp_path, SECRET) == set()
    store.close()


def fail(*_, **__):
    raise RuntimeError("died")


def test_a_deletion_that_a_full_disk_stopped_is_completed_by_the_next(tmp_path, monkeypatch):
    store = opened(tmp_path)
    tenant = store.tenant(TENANT)
    write(store, [*spans(30), *SECRETS])
    with monkeypatch.context() as full:
        full.setattr(BlockFile, "blank", full_disk)
        with pytest.raises(StorageFullError):
            tenant.writer.delete(Signal.SPANS, [item_of(row).id for row in SECRETS])
    assert tenant.writer.delete(Signal.SPANS, [item_of(spans(1)[0]).id]) == 1
    assert not [at for at in holders(tmp_path, SECRET) if "blocks.db" in at]
    assert tenant.size().spans == 29
    store.close()


def full_disk(*_, **__):
    raise StorageFullError("the disk is full")


def test_readers_see_a_partition_before_or_after_its_drop(tmp_path):
    store = opened(tmp_path)
    tenant = store.tenant(TENANT)
    early = spans(150)
    late = [SpanRow(span=n, start_ns=T0_NS + 90 * 86_400 * SECOND_NS + n) for n in range(1, 51)]
    write(store, early)
    write(store, late)
    failures, done = [], threading.Event()

    def read():
        try:
            while not done.is_set():
                found = tenant.reader.find(Signal.SPANS, Where(), 500).items
                assert len(found) >= 50
                assert (
                    len(tenant.reader.find(Signal.SPANS, Where(Phrase("library")), 9).items) >= 0
                )
                counted = tenant.reader.candidates(Signal.SPANS, Where())
                assert 50 <= sum(counted.values()) <= 200
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        tenant.upkeep.drop(tenant.upkeep.partitions()[0].name)
        write(store, early)
    done.set()
    for thread in threads:
        thread.join(60)
    assert not failures, failures
    store.close()


def test_what_is_sealed_and_merged_is_deleted_and_dropped_alike(tmp_path):
    store = opened(tmp_path)
    tenant = store.tenant(TENANT)
    rows = [*spans(230), *SECRETS]
    for start in range(0, len(rows), 25):
        write(store, rows[start : start + 25])
    store.checkpoint()
    assert tenant.upkeep.seal(unreported, 0.0).shards
    gone = [*rows[20:120], *SECRETS]
    assert tenant.writer.delete(Signal.SPANS, [item_of(row).id for row in gone]) == len(gone)
    staying = [*rows[:20], *rows[120:230]]
    operation = item_of(rows[0]).meanings[0]
    tally = tenant.reader.tally(Signal.SPANS, Where(), [operation])[operation]
    ends = (staying[0].start_ns, staying[-1].start_ns)
    assert (tally.count, tally.first_ns, tally.last_ns) == (len(staying), *ends)
    assert not [at for at in holders(tmp_path, SECRET) if "blocks.db" in at]
    tenant.upkeep.seal(unreported, 0.0)
    assert holders(tmp_path, SECRET) == set()
    assert write(store, rows) == ()
    (partition,) = tenant.upkeep.partitions()
    assert tenant.upkeep.drop(partition.name, rows[130].start_ns) == 30
    assert tenant.upkeep.drop(partition.name) == len(staying) - 30
    assert tenant.upkeep.retired([operation])[operation].count == len(staying)
    assert not tenant.reader.find(Signal.SPANS, Where(), 10).items
    store.close()
