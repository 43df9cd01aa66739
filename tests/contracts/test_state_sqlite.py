"""State in SQLite: durable, shared between processes, private, and refused when it is not ours."""

import multiprocessing
import sqlite3
import stat

import pytest

from otel_vector.errors import ConfigError, StoreDamagedError, StoreVersionError
from otel_vector.state.contract import State
from otel_vector.state.sqlite import SqliteState


@pytest.fixture
def state(tmp_path):
    opened: State = SqliteState(tmp_path / "state.db")
    yield opened
    opened.close()


def _count(path, process):
    state = SqliteState(path)
    for number in range(50):
        state.set("progress", f"{process}-{number}", str(number))
    state.close()


def test_a_value_is_read_back_and_replaced(state):
    state.set("import", "a.jsonl", "10")
    state.set("import", "a.jsonl", "20")
    assert state.get("import", "a.jsonl") == "20"


def test_what_is_not_there_is_none(state):
    assert state.get("import", "a.jsonl") is None
    state.delete("import", "a.jsonl")


def test_a_deleted_value_is_gone(state):
    state.set("import", "a", "1")
    state.delete("import", "a")
    assert state.get("import", "a") is None


def test_namespaces_do_not_see_each_other(state):
    state.set("import", "b", "2")
    state.set("import", "a", "1")
    state.set("jobs", "a", "other")
    assert list(state.items("import").items()) == [("a", "1"), ("b", "2")]
    assert state.items("nothing") == {}


def test_any_text_is_a_key_and_a_value(state):
    for text in ("", "\x00 ключ 💳", "file-\udcff.jsonl"):
        state.set(text, text, text)
        assert state.get(text, text) == text
        assert state.items(text) == {text: text}


def test_values_survive_a_reopening(tmp_path):
    first = SqliteState(tmp_path / "state.db")
    first.set("import", "a", "1")
    first.close()
    second = SqliteState(tmp_path / "state.db")
    assert second.get("import", "a") == "1"
    second.close()


def test_several_processes_write_at_once(tmp_path, state):
    context = multiprocessing.get_context("spawn")
    path = tmp_path / "state.db"
    workers = [context.Process(target=_count, args=(path, n)) for n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(state.items("progress")) == 100


def test_every_file_is_its_owners_only(tmp_path, state):
    state.set("import", "a", "1")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600}


def test_a_newer_schema_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreVersionError, match="upgrade"):
        SqliteState(path)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "state.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreDamagedError, match="move it away"):
        SqliteState(path)
    assert path.read_bytes() == b"not a database" * 100


def test_a_folder_that_is_not_there_is_a_setting_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be written"):
        SqliteState(tmp_path / "missing" / "state.db")
