"""What was damaged or removed from a store's folder is told, and nothing is made anew or wiped."""

import shutil

import pytest

from otel_vector.errors import StoreDamagedError
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.filters import Where
from otel_vector.spans.meanings import Signal
from otel_vector.store.edge import EdgeStore
from otel_vector.testing.builders import TENANT, SpanRow, batch_of, digest_of

DIMENSION = 8


def opened(folder):
    return EdgeStore(folder, StoreConfig(), "hashing", DIMENSION)


@pytest.fixture
def root(tmp_path):
    """Return the folder of a store that holds one span."""
    folder = tmp_path / "store"
    store = opened(folder)
    batch = batch_of([SpanRow(name="charge card", trace=1, span=1)])
    store.tenant(TENANT).writer.write(batch, digest_of(batch))
    store.close()
    return folder


def shard_of(folder):
    return next(folder.glob("*/live-*/"))


def overwrite(folder):
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size:
            path.write_bytes(b"not what it was")


DAMAGE = {
    "the manifest is gone": lambda folder: (folder / "manifest.db").unlink(),
    "the manifest is no database": lambda folder: (folder / "manifest.db").write_bytes(b"x" * 900),
    "the meanings are gone": lambda folder: shutil.rmtree(folder / "meanings"),
    "the meanings are overwritten": lambda folder: overwrite(folder / "meanings"),
    "a shard is gone": lambda folder: shutil.rmtree(shard_of(folder)),
    "a shard is overwritten": lambda folder: overwrite(shard_of(folder)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_store_is_refused_and_opens_again_once_restored(tmp_path, root, damage):
    tenant, backup = root / "tenants" / TENANT, tmp_path / "backup"
    shutil.copytree(tenant, backup)
    damage(tenant)
    left = {path for path in tenant.rglob("*") if path.is_dir()}
    with pytest.raises(StoreDamagedError, match="backup"):
        opened(root)
    assert {path for path in tenant.rglob("*") if path.is_dir()} == left
    shutil.rmtree(tenant)
    shutil.copytree(backup, tenant)
    store = opened(root)
    assert len(store.tenant(TENANT).reader.find(Signal.SPANS, Where(), 9).items) == 1
    store.close()
