"""`otel-vector migrate --to URL`: a folder's store moved to a server, which answers as it did."""

import subprocess
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from serving import COMMAND, Served, cli, environment
from standin import StandIn

EXAMPLE = Path(__file__).parents[2] / "examples" / "traces" / "llm-agents.otlp.jsonl.gz"
QUESTION = {"text": "which tool was called", "limit": 50}
KEY = "a-key-of-the-server"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("filled"))
    cli(served, "import", EXAMPLE)
    return served.folder


@pytest.fixture
def source(filled, tmp_path):
    """A data folder of its own, filled."""
    subprocess.run(["cp", "-a", "--sparse=always", filled / "data", tmp_path], check=True)
    return Served(tmp_path)


@contextmanager
def started(served, *more):
    served.start(*more)
    try:
        with httpx.Client(
            base_url=f"http://{served.endpoints['api']}", trust_env=False, timeout=60
        ) as client:
            yield client
    finally:
        assert served.stop() == 0


def answers(client):
    """Return what a store answers: counts, traces, groups of a search, catalog."""
    stats = client.get("/v1/stats").json()
    found = client.post("/v1/search", json=QUESTION).json()["groups"]
    traces = sorted({e["trace_id"] for group in found for e in group["examples"]})
    assert traces
    return {
        "counts": [stats[name] for name in ("spans", "logs", "meanings")],
        "groups": sorted((g["meaning"]["id"], g["spans"]["count"]) for g in found),
        "traces": [client.get(f"/v1/traces/{trace}").json() for trace in traces],
        "operations": client.get("/v1/operations").json(),
    }


def move(source, url, *more):
    return cli(source, "migrate", "--to", url, "--json", *more).json


def test_the_server_answers_as_the_folder_did(source, tmp_path):
    with StandIn(tmp_path / "server") as server:
        moved = move(source, server.url)
        assert all(p["content"] == p["found_content"] for p in moved["partitions"])
        with started(source) as client:
            before = answers(client)
        with started(source, "--store", server.url) as client:
            assert answers(client) == before
        assert moved["written"] == sum(p["items"] for p in moved["partitions"]) > 0
        assert move(source, server.url)["written"] == 0


def test_a_served_folder_is_moved_while_it_answers(source, tmp_path):
    with StandIn(tmp_path / "server") as server, started(source) as client:
        moved = move(source, server.url, "--prefix", "moved_")
        assert moved["written"] > 0
        last = client.get("/v1/jobs").json()["jobs"][0]
        assert (last["kind"], last["state"]) == ("migrate", "done")
        before = answers(client)
        again = cli(source, "migrate", "--to", server.url, "--prefix", "moved_").out
        assert "the same on both sides" in again
        assert "written now: 0 items" in again
        other = Served(tmp_path / "other")
        other.folder.mkdir()
        with started(other, "--store", server.url, "--set", "store.prefix=moved_") as beside:
            assert answers(beside) == before


def test_the_key_is_taken_from_the_environment_and_stored_nowhere(source, tmp_path):
    with StandIn(tmp_path / "server", api_key=KEY) as server:
        command = [*COMMAND, "migrate", "--data", str(source.data), "--to", server.url]
        with_key = environment() | {"OTEL_VECTOR_STORE_API_KEY": KEY}
        refused = subprocess.run(command, capture_output=True, env=environment(), check=False)
        done = subprocess.run(command, capture_output=True, env=with_key, check=False)
    assert refused.returncode == 1
    assert b"set store.api_key" in refused.stderr
    assert done.returncode == 0, done.stderr
    files = [path for path in source.data.rglob("*") if path.is_file()]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        ("http://127.0.0.1:6333", "6333 is the port of the HTTP API; use the gRPC port"),
        ("http://secret@127.0.0.1:6334", "leave the key out of the URL; set store.api_key"),
        ("ftp://127.0.0.1", "write http://host:6334"),
    ],
    ids=["http port", "key", "scheme"],
)
def test_a_url_that_cannot_be_meant_is_refused_and_not_kept(source, to, sentence):
    done = cli(source, "migrate", "--to", to, check=False)
    assert (done.code, "Traceback" in done.err) == (1, False)
    assert sentence in done.err
    jobs = cli(source, "jobs", "list", "--json").json["jobs"]
    assert "migrate" not in {job["kind"] for job in jobs}


def test_a_store_is_not_moved_into_itself(source, tmp_path):
    with StandIn(tmp_path / "server") as server:
        served = Served(tmp_path / "own")
        served.folder.mkdir()
        with started(served, "--store", server.url) as client:
            body = {"kind": "migrate", "arguments": {"to": server.url}}
            refused = client.post("/v1/jobs", json=body)
        assert refused.status_code == 400
        assert "jobs.allowed_paths" in refused.text
        command = [*COMMAND, "migrate", "--data", str(source.data), "--to", server.url]
        env = environment() | {"OTEL_VECTOR_STORE_URL": server.url}
        done = subprocess.run(command, capture_output=True, env=env, check=False)
    assert done.returncode == 1
    assert b"already; name another server or prefix" in done.stderr


def test_a_prefix_is_no_part_of_a_folder(source, tmp_path):
    done = cli(source, "migrate", "--to", tmp_path / "new", "--prefix", "x_", check=False)
    assert "a prefix is for the collections of a server" in done.err
