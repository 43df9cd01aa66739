"""What was damaged or removed from a store's folder is told; what blocks can tell is made again."""

import shutil

import pytest

from otel_vector.errors import StoreDamagedError
from otel_vector.progress import unreported
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.filters import BuiltIn, Compare, Op, Where
from otel_vector.spans.items import traces_data
from otel_vector.spans.meanings import Signal
from otel_vector.store.edge import EdgeStore
from otel_vector.testing.builders import TENANT, SpanRow, digest_of, item_of
from otel_vector.testing.store_rebuilding import described

DIMENSION = 8
ROWS = [SpanRow(name=f"charge card {n % 3}", trace=n, span=n) for n in range(1, 40)]


def opened(folder):
    return EdgeStore(folder, StoreConfig(), "hashing", DIMENSION)


@pytest.fixture
def root(tmp_path):
    """Return the folder of a store that holds some spans."""
    folder = tmp_path / "store"
    store = opened(folder)
    message = traces_data([item_of(row) for row in ROWS]).SerializeToString()
    batch = described(Signal.SPANS, message)
    store.tenant(TENANT).writer.write(batch, digest_of(batch))
    store.close()
    return folder


def shard_of(folder):
    return next(folder.glob("*/live-*/"))


def overwrite(folder):
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size:
            path.write_bytes(b"not what it was")


UNKNOWABLE = {
    "the manifest is gone": lambda folder: (folder / "manifest.db").unlink(),
    "the manifest is no database": lambda folder: (folder / "manifest.db").write_bytes(b"x" * 900),
    "the header is gone": lambda folder: (folder.parents[1] / "store.json").unlink(),
}


@pytest.mark.parametrize("damage", UNKNOWABLE.values(), ids=UNKNOWABLE)
def test_a_damaged_store_is_refused_and_opens_again_once_restored(tmp_path, root, damage):
    tenant, backup = root / "tenants" / TENANT, tmp_path / "backup"
    shutil.copytree(root, backup)
    damage(tenant)
    left = {path for path in tenant.rglob("*") if path.is_dir()}
    with pytest.raises(StoreDamagedError, match="backup"):
        opened(root)
    assert {path for path in tenant.rglob("*") if path.is_dir()} == left
    shutil.rmtree(root)
    shutil.copytree(backup, root)
    store = opened(root)
    assert len(store.tenant(TENANT).reader.find(Signal.SPANS, Where(), 99).items) == len(ROWS)
    store.close()


KNOWABLE = {
    "the meanings are gone": lambda folder: shutil.rmtree(folder / "meanings"),
    "the meanings are overwritten": lambda folder: overwrite(folder / "meanings"),
    "a shard is gone": lambda folder: shutil.rmtree(shard_of(folder)),
    "a shard is overwritten": lambda folder: overwrite(shard_of(folder)),
}


@pytest.mark.parametrize("damage", KNOWABLE.values(), ids=KNOWABLE)
@pytest.mark.parametrize("clean", [True, False], ids=["clean", "killed"])
def test_what_blocks_can_tell_is_set_aside_and_made_again(root, damage, clean):
    tenant = root / "tenants" / TENANT
    if not clean:
        (root / "clean").unlink()
    before = answers(opened(root))
    damage(tenant)
    if not clean:
        (root / "clean").unlink()
    store = opened(root)
    upkeep = store.tenant(TENANT).upkeep
    assert clean or upkeep.damaged(), "nobody noticed"
    named = Where(Compare(BuiltIn.NAME, Op.EQ, ("charge card 1",)))
    found = store.tenant(TENANT).reader.find(Signal.SPANS, named, 99).items
    assert upkeep.damaged(), "nobody noticed by the first question"
    assert len(found) in {0, 13}  # without its points, or whole without its meanings
    store.close()
    store = opened(root)
    upkeep = store.tenant(TENANT).upkeep
    for name in [name for name in upkeep.damaged() if name != "meanings"]:
        assert upkeep.rebuild(name, described, unreported) == len(ROWS)
    assert upkeep.damaged() == {}
    assert not list(tenant.rglob("*.damaged-*"))
    store.close()
    assert answers(opened(root)) == before


def answers(store):
    reader = store.tenant(TENANT).reader
    found = reader.candidates(Signal.SPANS, Where())
    told = (found, reader.tally(Signal.SPANS, Where(), list(found)),
            [item.id for item in reader.find(Signal.SPANS, Where(), 99).items],
            store.tenant(TENANT).meanings.counts().total)  # fmt: skip
    store.close()
    return told


def test_a_shard_that_breaks_while_it_is_closed_is_set_aside_when_it_is_asked_for(tmp_path):
    store = EdgeStore(
        tmp_path, StoreConfig(span_shard_points=100, max_open_shards=2), "hashing", DIMENSION
    )
    tenant = store.tenant(TENANT)
    day = 86_400 * 10**9
    for n in range(6):
        row = SpanRow(trace=n + 1, span=n + 1, start_ns=SpanRow().start_ns + n * 40 * day)
        message = traces_data([item_of(row)]).SerializeToString()
        batch = described(Signal.SPANS, message)
        tenant.writer.write(batch, digest_of(batch))
    store.checkpoint()
    first = min((tmp_path / "tenants" / TENANT).glob("*/live-*/"))
    overwrite(first)
    assert len(tenant.reader.find(Signal.SPANS, Where(), 99).items) == 5
    assert list(tenant.upkeep.damaged()) == [first.parent.name]
    assert tenant.upkeep.rebuild(first.parent.name, described, unreported) == 1
    assert len(tenant.reader.find(Signal.SPANS, Where(), 99).items) == 6
    store.close()


def test_a_missing_index_is_added_in_place(root):
    import qdrant_edge as engine

    shard = shard_of(root / "tenants" / TENANT)
    raw = engine.EdgeShard.load(str(shard))
    raw.update(engine.UpdateOperation.delete_field_index("m"))
    raw.flush()
    raw.close()
    (root / "clean").unlink()
    store = opened(root)
    assert store.tenant(TENANT).upkeep.damaged() == {}
    assert sum(store.tenant(TENANT).reader.candidates(Signal.SPANS, Where()).values()) == len(ROWS)
    store.close()


def test_items_without_a_point_are_noticed_and_get_one(root):
    import qdrant_edge as engine

    from otel_vector.store.edge.verify import Verifier

    raw = engine.EdgeShard.load(str(shard_of(root / "tenants" / TENANT)))
    raw.update(engine.UpdateOperation.delete_points([item_of(ROWS[3]).id]))
    raw.flush()
    raw.close()
    (root / "clean").unlink()
    store = opened(root)
    tenant = store.tenant(TENANT)
    verifier = Verifier(tenant._data, TENANT)
    verifier.after_unclean_stop()
    verifier.compare_with_blocks()
    (name,) = tenant.upkeep.damaged()
    assert tenant.upkeep.rebuild(name, described, unreported) == len(ROWS)
    assert tenant.upkeep.damaged() == {}
    store.close()


def test_damaged_blocks_are_named_and_cost_nobody_else_an_answer(root):
    partition = next((root / "tenants" / TENANT).glob("*/blocks.db"))
    for path in partition.parent.glob("blocks.db*"):
        path.write_bytes(b"not a database" * 100)
    store = opened(root)
    tenant = store.tenant(TENANT)
    assert sum(tenant.reader.candidates(Signal.SPANS, Where()).values()) == len(ROWS)
    assert tenant.size().spans == len(ROWS)
    with pytest.raises(StoreDamagedError, match=r"blocks\.db.*backup"):
        tenant.reader.find(Signal.SPANS, Where(), 9)
    assert "blocks.db" in tenant.upkeep.damaged()[partition.parent.name]
    store.close()
