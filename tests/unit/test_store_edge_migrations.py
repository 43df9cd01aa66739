"""A store of an older version opens, answers equally, and says what version it is of now."""

import json
import sqlite3

import pytest

from otel_vector.errors import StoreVersionError
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.edge import EdgeStore
from otel_vector.store.edge.header import SCHEMA
from otel_vector.store.edge.migrations import STEPS, add_column, migrate
from otel_vector.testing.builders import TENANT, SpanRow, batch_of, digest_of
from otel_vector.testing.store_case import all_pages

_OLD_SHARD = """
CREATE TABLE old (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    folder TEXT NOT NULL,
    stream TEXT NOT NULL,
    points INTEGER NOT NULL DEFAULT 0,
    min_us INTEGER,
    max_us INTEGER,
    full INTEGER NOT NULL DEFAULT 0
);
INSERT INTO old SELECT id, folder, stream, points, min_us, max_us, full FROM shard;
DROP TABLE shard;
ALTER TABLE old RENAME TO shard;
"""
_KEPT = {"partition", "shard", "seen", "waiting", "sqlite_sequence"}
_MEANS = ((Facet.ERROR, "card declined"), (Facet.INPUT, "which card"))
_ROWS = [SpanRow(span=n, trace=n % 5 + 1, means=_MEANS) for n in range(1, 60)]


def opened(folder):
    return EdgeStore(folder, StoreConfig(span_shard_points=100), "a-model", 4)


@pytest.fixture
def old(tmp_path):
    """Return the folder of a store as version 1 left it, and what it answered."""
    folder = tmp_path / "store"
    store = opened(folder)
    batch = batch_of(_ROWS)
    store.tenant(TENANT).writer.write(batch, digest_of(batch))
    meanings = store.tenant(TENANT).meanings
    meanings.fill({m.id: [1.0, 0.0, 0.0, 0.0] for m in meanings.pending(9)})
    told = answers(store)
    store.close()
    as_version_1(folder)
    return folder, told


def as_version_1(folder):
    """Write the tables and the header as version 1 did."""
    for manifest in folder.glob("tenants/*/manifest.db"):
        with sqlite3.connect(manifest) as db:
            db.executescript(_OLD_SHARD)
            names = [n for (n,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
            for name in set(names) - _KEPT:
                db.execute(f"DROP TABLE {name}")
        db.close()
        (manifest.parent / "meanings" / "dense").touch()
        (manifest.parent / "records.db").unlink(missing_ok=True)
    header = json.loads((folder / "store.json").read_text())
    kept = {name: header[name] for name in ("model", "dimension", "indexed")}
    (folder / "store.json").write_text(json.dumps({"schema": 1, **kept}))
    (folder / "clean").unlink()


def answers(store):
    tenant = store.tenant(TENANT)
    found = tenant.reader.candidates(Signal.SPANS, Where())
    ids = [MeaningId(i) for i in found]
    return (all_pages(tenant), found, tenant.reader.tally(Signal.SPANS, Where(), ids),
            tenant.meanings.vectors(ids), tenant.meanings.counts(), store.models)  # fmt: skip


def test_a_store_of_version_1_answers_as_it_did(old):
    folder, told = old
    store = opened(folder)
    assert answers(store) == told
    assert store.recipe == 1
    assert store.tenant(TENANT).upkeep.damaged() == {}
    store.close()
    assert json.loads((folder / "store.json").read_text())["schema"] == SCHEMA
    again = opened(folder)
    assert answers(again) == told
    again.close()


def test_a_migration_that_was_cut_short_is_completed(old):
    folder, told = old
    for tenant in folder.glob("tenants/*/"):
        STEPS[1](tenant)
        STEPS[1](tenant)
    migrate(folder)
    migrate(folder)
    store = opened(folder)
    assert answers(store) == told
    store.close()


def test_a_column_is_added_once_and_nothing_is_made_for_it(tmp_path):
    file = tmp_path / "some.db"
    add_column(file, "thing", "size", "INTEGER")
    assert not file.exists()
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE thing (name TEXT)")
    db.close()
    add_column(file, "other", "size", "INTEGER")
    for _ in range(2):
        add_column(file, "thing", "size", "INTEGER NOT NULL DEFAULT 3")
    with sqlite3.connect(file) as db:
        assert [row[1] for row in db.execute("PRAGMA table_info(thing)")] == ["name", "size"]
        assert not db.execute("PRAGMA table_info(other)").fetchall()
    db.close()


def test_every_older_version_has_a_step():
    assert sorted(STEPS) == list(range(1, SCHEMA))


def test_a_newer_store_is_refused_and_left_alone(old):
    folder, _ = old
    header = json.loads((folder / "store.json").read_text())
    (folder / "store.json").write_text(json.dumps({**header, "schema": SCHEMA + 1}))
    before = (folder / "store.json").read_bytes()
    with pytest.raises(StoreVersionError, match="newer"):
        opened(folder)
    assert (folder / "store.json").read_bytes() == before
