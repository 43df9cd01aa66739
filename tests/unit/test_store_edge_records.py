"""Records of the embedded store after crashes: the file is the truth, texts follow it."""

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from otel_vector.errors import StoreDamagedError, StoreVersionError
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.ids import meaning_id
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.contract import Nearest
from otel_vector.store.edge import EdgeStore
from otel_vector.store.edge.collect import Collector
from otel_vector.store.records import Draft
from otel_vector.testing.builders import TENANT


def opened(folder):
    return EdgeStore(folder, StoreConfig(), "model", 8)


def put(store, key, *texts, body=None):
    ids = [meaning_id(TENANT, Facet.CODE, text) for text in texts]
    meant = {i: Meaning(i, Facet.CODE, text) for i, text in zip(ids, texts, strict=True)}
    (record,) = store.tenant(TENANT).records.put(
        "code", [Draft(key, body or {}, tuple(ids))], meant
    )
    return record


def texts_of(store):
    return sorted(m.text for m in store.tenant(TENANT).meanings.pending(100))


def test_texts_that_the_shelf_lost_are_there_again(tmp_path):
    first = opened(tmp_path / "first")
    put(first, "pay", "refuses a card", "charges a card")
    first.close()
    other = opened(tmp_path / "second")
    put(other, "other")
    other.close()
    second = tmp_path / "second" / "tenants" / TENANT
    for file in second.glob("records.db*"):
        file.unlink()
    shutil.copy(tmp_path / "first" / "tenants" / TENANT / "records.db", second)
    found = opened(tmp_path / "second")
    assert texts_of(found) == ["charges a card", "refuses a card"]
    (hit,) = found.tenant(TENANT).meanings.nearest(Nearest(None, "refuses card"))
    assert hit.meaning.text == "refuses a card"
    found.close()


@pytest.mark.parametrize("act", ["delete", "supersede"])
def test_texts_that_a_crash_left_on_the_shelf_leave_it_at_the_next_start(
    tmp_path, monkeypatch, act
):
    store = opened(tmp_path / "store")
    put(store, "pay", "old text")

    def crash(self, meanings):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Collector, "collect", crash)
        with pytest.raises(KeyboardInterrupt):
            if act == "delete":
                store.tenant(TENANT).records.delete("code", "pay")
            else:
                put(store, "pay", "new text")
    assert "old text" in texts_of(store)
    store.close()
    again = opened(tmp_path / "store")
    assert "old text" not in texts_of(again)
    again.checkpoint()
    again.close()
    with sqlite3.connect(tmp_path / "store" / "tenants" / TENANT / "records.db") as file:
        assert file.execute("SELECT count(*) FROM released").fetchone() == (0,)
    file.close()


def test_a_text_that_comes_back_is_not_taken_away(tmp_path):
    store = opened(tmp_path / "store")
    put(store, "pay", "text")
    put(store, "pay", "other")
    put(store, "pay", "text")
    store.close()
    again = opened(tmp_path / "store")
    assert texts_of(again) == ["text"]
    again.close()


def test_a_newer_file_is_refused_and_left_alone(tmp_path):
    store = opened(tmp_path / "store")
    put(store, "pay")
    store.close()
    path = tmp_path / "store" / "tenants" / TENANT / "records.db"
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version=99")
    file.close()
    before = path.read_bytes()
    with pytest.raises(StoreVersionError, match="schema 99"):
        opened(tmp_path / "store")
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path):
    store = opened(tmp_path / "store")
    put(store, "pay")
    store.close()
    path = tmp_path / "store" / "tenants" / TENANT / "records.db"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreDamagedError, match=r"records\.db"):
        opened(tmp_path / "store")


def test_many_put_and_read_at_once(tmp_path):
    store = opened(tmp_path / "store")
    records = store.tenant(TENANT).records

    def work(name):
        for number in range(15):
            put(store, f"{name}", f"{name} {number}", body={"n": number})
            put(store, "shared", f"shared {name} {number}")
            assert records.get("code", name).body == {"n": number}
            records.pointing_at(records.meanings())
            records.page("code", 10)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, "abcd")) == [None] * 4
    assert len(records.versions("code", "shared")) == 60
    assert len(texts_of(store)) == 5
    store.close()
