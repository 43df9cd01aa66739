"""Records on the command line, on a folder that is served and on one that is not, and after a kill."""

import json
import subprocess

import pytest
from serving import COMMAND, Served, environment, eventually

from otel_vector.client import Client

LINES = [
    {
        "key": "pay:charge",
        "body": {"line": 1},
        "texts": [{"facet": "code", "text": "def charge(card): refuses a declined card"}],
    },
    {
        "key": "cart:load",
        "body": {"line": 2},
        "texts": [{"facet": "code", "text": "def load(cart): reads what a customer chose"}],
    },
]


@pytest.fixture
def folder(tmp_path):
    served = Served(tmp_path)
    yield served
    served.end()


@pytest.fixture(params=["served", "unserved"])
def either(request, folder):
    if request.param == "served":
        folder.start()
    else:
        folder.data.mkdir()
    return folder


def told(folder, *arguments, lines=None, status=0):
    """Run a command with lines on stdin."""
    done = subprocess.run(
        [*COMMAND, *arguments, "--data", str(folder.data)],
        check=False,
        input="\n".join(map(json.dumps, lines or [])).encode(),
        capture_output=True,
        timeout=60,
        cwd=folder.folder,
        env=environment(),
    )
    assert done.returncode == status, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


def test_records_are_put_shown_listed_found_and_deleted(either):
    _, said = told(either, "records", "put", "code", "-", lines=LINES)
    assert "2 created" in said
    (either.folder / "again.jsonl").write_text(json.dumps(LINES[0] | {"body": {"line": 3}}))
    answers, _ = told(either, "records", "put", "code", "again.jsonl", "--json")
    assert json.loads(answers) == {
        "key": "pay:charge", "version": 2, "status": "updated", "line": 1,
    }  # fmt: skip
    shown, _ = told(either, "records", "get", "code", "pay:charge")
    assert "refuses a declined card" in shown
    versions, _ = told(either, "records", "get", "code", "pay:charge", "--versions", "--json")
    assert [v["body"]["line"] for v in json.loads(versions)["versions"]] == [3, 1]
    listed, _ = told(either, "records", "list", "code")
    assert [line.split()[0] for line in listed.splitlines()] == ["key", "cart:load", "pay:charge"]
    assert "code" in told(either, "records", "list")[0]
    found, _ = told(either, "search", "declined card", "--over", "records", "--json")
    answer = json.loads(found)
    assert answer["searched"] == ["records"]
    assert next(hit["key"] for hit in answer["records"]) == "pay:charge"
    table, _ = told(either, "search", "declined card", "--over", "records", "--collection", "code")
    assert "pay:charge" in table
    assert told(either, "records", "delete", "code", "pay:charge", status=1)[1]
    told(either, "records", "delete", "code", "pay:charge", "--yes")
    _, said = told(either, "records", "get", "code", "pay:charge", status=1)
    assert "there is no record" in said


def test_what_is_refused_is_told_and_stops_nothing(folder):
    folder.data.mkdir()
    lines = [LINES[0], {"key": ""}, LINES[1]]
    _, said = told(folder, "records", "put", "code", "-", lines=lines, status=1)
    assert "record 2: a key has" in said
    assert "2 created, 1 refused" in said
    _, said = told(folder, "records", "put", "code", "missing.jsonl", status=1)
    assert "cannot be read" in said


def test_what_was_answered_is_there_after_a_kill_and_is_embedded(folder):
    folder.start()
    with Client(f"http://{folder.endpoints['api']}") as client:
        assert {a["status"] for a in client.put_records("code", LINES)} == {"created"}
        client.put_record("code", LINES[0] | {"texts": [{"facet": "code", "text": "another"}]})
        client.delete_record("code", "cart:load")
    folder.process.kill()
    folder.process.wait()
    folder.start()
    with Client(f"http://{folder.endpoints['api']}") as client:
        assert client.record("code", "pay:charge")["texts"][0]["text"] == "another"
        assert client.collections() == {"collections": [{"collection": "code", "records": 1}]}
        eventually(lambda: client.stats()["meanings"] == {"total": 1, "pending": 0}, 30)
        (hit,) = client.search({"text": "another", "over": ["records"]})["records"]
        assert hit["why"]["cosine"] == pytest.approx(1, abs=0.01)


def test_a_deleted_secret_is_in_no_byte_of_the_file(folder):
    folder.data.mkdir()
    word = "Rumpelstilzchen"
    told(folder, "records", "put", "code", "-", lines=[{"key": "a", "body": {"name": word}}])
    (file,) = folder.data.glob("store/tenants/*/records.db")
    assert word.encode() in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    told(folder, "records", "delete", "code", "a", "--yes")
    for left in file.parent.glob("records.db*"):
        assert word.encode() not in left.read_bytes()
