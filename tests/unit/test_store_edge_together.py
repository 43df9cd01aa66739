"""Sealing, dropping, rebuilding, deleting and copying one folder at the same time."""

import threading

import pytest

from otel_vector.errors import StoreDamagedError
from otel_vector.progress import unreported
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.filters import Where
from otel_vector.spans.items import traces_data
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.contract import Nearest
from otel_vector.store.edge import EdgeStore, meanings, pool, seal
from otel_vector.store.edge.blocks import BlockFile
from otel_vector.store.edge.drop import Dropper
from otel_vector.store.records import Draft
from otel_vector.testing.builders import T0_NS, TENANT, SpanRow, item_of, meaning_of
from otel_vector.testing.store_case import all_pages, write
from otel_vector.testing.store_rebuilding import described

DAY_NS = 86_400 * 10**9
CONFIG = StoreConfig(span_shard_points=100)
DEADLINE_S = 300


def rows(first, last, day=0):
    start = T0_NS + day * DAY_NS
    return [SpanRow(span=n, trace=n, start_ns=start + n * 1000) for n in range(first, last)]


@pytest.fixture
def store(tmp_path):
    opened = EdgeStore(tmp_path / "store", CONFIG, "none", 0)
    yield opened
    opened.close()


@pytest.fixture
def tenant(store):
    """Two partitions, with a full shard each and one that is being filled."""
    tenant = store.tenant(TENANT)
    for day in (0, 40):
        for first in range(0, 160, 20):
            write(tenant, rows(first, first + 20, day))
    store.checkpoint()
    return tenant


def ended(work):
    """Run something in a thread; return it once it ended, or fail."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    assert not thread.is_alive(), "it waits for ever"


def once(monkeypatch, action):
    """Do something when the first shard was copied to be sealed."""
    run, calls = seal._run, []

    def doing(folder, report):
        calls.append(folder)
        if len(calls) == 1:
            action()
        run(folder, report)

    monkeypatch.setattr(seal, "_run", doing)
    return calls


def ids(rows_):
    return {item_of(row).id for row in rows_}


def test_a_partition_that_is_being_sealed_can_be_dropped(tenant, monkeypatch):
    first, second = tenant.upkeep.partitions()
    dropping = threading.Thread(target=lambda: tenant.upkeep.drop(first.name), daemon=True)

    def drop():
        dropping.start()
        waiter = threading.Event()
        while first.name in [p.name for p in tenant.upkeep.partitions()]:
            waiter.wait(0.01)

    calls = once(monkeypatch, drop)
    ended(lambda: tenant.upkeep.seal(unreported, 0))
    dropping.join(DEADLINE_S)
    assert not dropping.is_alive()
    assert calls
    assert [p.name for p in tenant.upkeep.partitions()] == [second.name]
    assert set(all_pages(tenant)) == ids(rows(0, 160, 40))
    assert tenant.size().sealed == tenant.size().shards == 2


def test_a_shard_that_is_dropped_before_its_turn_is_not_sealed(tenant, monkeypatch, tmp_path):
    _, second = tenant.upkeep.partitions()
    once(monkeypatch, lambda: tenant.upkeep.drop(second.name))
    ended(lambda: tenant.upkeep.seal(unreported, 0))
    assert tenant.size().sealed == 2
    assert not list(tmp_path.rglob(second.name))
    assert not list(tmp_path.rglob("*.sealing"))
    assert set(all_pages(tenant)) == ids(rows(0, 160))


def test_one_shard_that_cannot_be_sealed_keeps_no_other_from_it(tenant, monkeypatch):
    def fail():
        raise StoreDamagedError("it cannot be sealed")

    once(monkeypatch, fail)
    with pytest.raises(StoreDamagedError, match="cannot be sealed"):
        tenant.upkeep.seal(unreported, 0)
    assert tenant.size().sealed == tenant.size().shards - 1


def test_a_sealed_shard_that_was_written_to_before_a_kill_is_sealed_again(store, tenant, tmp_path):
    tenant.upkeep.seal(unreported, 0)
    shards = tenant.size().shards
    write(tenant, rows(160, 170))  # no checkpoint: the manifest does not know
    (tmp_path / "copy").mkdir()
    manifest = next((tmp_path / "store").rglob("manifest.db"))
    stale = manifest.read_bytes(), manifest.with_name("manifest.db-wal").read_bytes()
    store.close()
    manifest.with_name("manifest.db-wal").write_bytes(stale[1])
    manifest.write_bytes(stale[0])
    (tmp_path / "store" / "clean").unlink()
    again = EdgeStore(tmp_path / "store", CONFIG, "none", 0)
    assert again.tenant(TENANT).size().sealed == shards - 1
    assert again.tenant(TENANT).upkeep.seal(unreported, 0).shards == 1
    assert set(all_pages(again.tenant(TENANT), Where())) == ids([*rows(0, 170), *rows(0, 160, 40)])
    assert again.tenant(TENANT).reader.items(Signal.SPANS, sorted(ids(rows(160, 170))))
    again.close()


def test_a_copy_is_taken_while_shards_are_sealed(store, tenant, monkeypatch, tmp_path):
    (tmp_path / "copy").mkdir()
    once(monkeypatch, lambda: store.snapshot(tmp_path / "copy", unreported))
    ended(lambda: tenant.upkeep.seal(unreported, 0))
    assert not list((tmp_path / "copy").rglob("*.sealing"))
    copy = EdgeStore(tmp_path / "copy", CONFIG, "none", 0)
    assert all_pages(copy.tenant(TENANT)) == all_pages(tenant)
    copy.close()


def describing(action):
    """Describe blocks, and do something before the first one."""
    calls = []

    def describe(signal, message):
        if not calls:
            calls.append(action())
        return described(signal, message)

    return describe


def test_a_partition_that_is_dropped_while_it_is_rebuilt_stays_dropped(tenant, tmp_path):
    first, second = tenant.upkeep.partitions()
    describe = describing(lambda: tenant.upkeep.drop(first.name))
    assert tenant.upkeep.rebuild(first.name, describe, unreported) == 0
    assert [p.name for p in tenant.upkeep.partitions()] == [second.name]
    assert not list(tmp_path.rglob(first.name))
    assert set(all_pages(tenant)) == ids(rows(0, 160, 40))


def test_what_is_cut_or_deleted_while_a_partition_is_rebuilt_stays_away(tenant):
    first, _ = tenant.upkeep.partitions()
    gone = [item_of(row).id for row in rows(150, 155)]

    def shrink():
        tenant.upkeep.drop(first.name, T0_NS + 50_000)
        tenant.writer.delete(Signal.SPANS, gone)

    found = []

    def late(signal, message):  # described before it goes
        batch = described(signal, message)
        found.extend(batch.ids)
        return batch

    progress_calls = []

    def progress(done, total=None, note=""):
        progress_calls.append(done)
        if total is not None and done == total and len(progress_calls) > 1:
            shrink()

    tenant.upkeep.rebuild(first.name, late, progress)
    assert set(found) >= ids(rows(0, 160))
    left = [*rows(50, 150), *rows(155, 160)]
    assert set(all_pages(tenant)) == ids([*left, *rows(0, 160, 40)])
    known = [operation.id for operation in tenant.meanings.operations()]
    tallies = tenant.reader.tally(Signal.SPANS, Where(), known).values()
    assert (len(left), left[0].start_ns) in [(t.count, t.first_ns) for t in tallies]


def test_a_scan_that_began_before_blocks_were_merged_again_finds_all(tenant, tmp_path):
    first, _ = tenant.upkeep.partitions()
    folder = next((tmp_path / "store").rglob(first.name))
    blocks = BlockFile(folder / "blocks.db", 3)
    names = [block.name for block in blocks.small(99)]
    blocks.merge(names[:2])
    (container,) = {block.name for block in blocks.small(99)} - set(names)
    before = blocks.read(container)
    blocks.merge([container, names[2]])
    (larger,) = {block.name for block in blocks.small(99)} - set(names)
    blocks.merge([larger, names[3]])
    assert blocks.read(container) == before
    assert blocks.at(container, 25) == names[1] << 15 | 5
    blocks.close()


def test_a_question_that_began_before_the_meanings_were_rewritten_is_answered(tenant, monkeypatch):
    ask = meanings.nearest_hits

    def rewriting(*question):
        tenant.meanings.rewrite()
        return ask(*question)

    text = tenant.meanings.operations()[0].text
    before = tenant.meanings.nearest(Nearest(None, text, limit=5))
    monkeypatch.setattr(meanings, "nearest_hits", rewriting)
    assert tenant.meanings.nearest(Nearest(None, text, limit=5)) == before
    assert before


def test_a_text_that_no_item_had_opens_no_sealed_shard(store, tenant, monkeypatch, tmp_path):
    tenant.upkeep.seal(unreported, 0)
    shards = tenant.size().shards
    store.close()
    again = EdgeStore(tmp_path / "store", CONFIG, "none", 0)
    opened, load = [], pool.SpanShard

    def opening(folder, row):
        opened.append(folder)
        return load(folder, row)

    monkeypatch.setattr(pool, "SpanShard", opening)
    records = again.tenant(TENANT).records
    text = meaning_of((Facet.ERROR, "only a record says so"))
    draft = Draft("one", {"text": text.text}, (text.id,))
    records.put("notes", [draft], {text.id: text})
    assert records.delete("notes", "one")
    assert not again.tenant(TENANT).meanings.get([text.id])
    assert shards
    assert not opened
    again.close()


def test_what_comes_after_a_partition_was_counted_is_tallied_as_well(tenant, monkeypatch):
    first, _ = tenant.upkeep.partitions()
    count = Dropper.count

    def late(self, folder, before_ns):
        counted = count(self, folder, before_ns)
        write(tenant, rows(160, 170))
        tenant.writer.delete(Signal.SPANS, [item_of(row).id for row in rows(0, 5)])
        return counted

    monkeypatch.setattr(Dropper, "count", late)
    operation = item_of(rows(1, 2)[0]).meanings[0]
    assert tenant.upkeep.drop(first.name) == 165
    tally = tenant.upkeep.retired([operation])[operation]
    ends = T0_NS + 5_000, T0_NS + 169_000
    assert (tally.count, tally.first_ns, tally.last_ns) == (165, *ends)


def test_a_text_that_only_the_new_points_point_at_is_not_collected(tenant):
    first, _ = tenant.upkeep.partitions()
    late = item_of(SpanRow(span=900, trace=900, start_ns=T0_NS))
    batch = described(Signal.SPANS, traces_data([late]).SerializeToString())

    def shrink(done, total=None, note=""):
        if done == total:  # the same text is written and deleted: nothing listed points at it
            tenant.writer.write(batch, b"late")
            assert tenant.writer.delete(Signal.SPANS, batch.ids) == 1

    tenant.upkeep.rebuild(first.name, described, shrink)
    (text,) = {meaning for meanings in batch.meanings for meaning in meanings}
    assert tenant.meanings.get([text])
    assert tenant.reader.tally(Signal.SPANS, Where(), [text])[text].count == 160
