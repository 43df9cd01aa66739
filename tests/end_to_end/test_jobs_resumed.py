"""A job started over HTTP is gone on with after its process was killed with SIGKILL."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from sending import api, exported, multiset, post, settle
from serving import COMMAND, Served, cli, environment, eventually
from support.embeddings import serving

from otel_vector.spans.items import traces_data
from otel_vector.testing.builders import SpanRow, item_of

FAULTS = Path(__file__).parents[1] / "crash" / "faults"
DEADLINE_S = 60
SPANS = 300
SETTINGS = """
[jobs]
allowed_paths = ["{0}/allowed"]
[embed]
url = "{1}"
model = "one"
[store]
span_shard_points = 100
seal_every_s = 0
"""

PLACES = {
    "seal": "otel_vector.store.edge.manifest:Manifest.swap:before:1",
    "reindex": "otel_vector.store.edge.building:Building.complete:before:1",
    "reembed": "otel_vector.store.edge.store:EdgeStore.switch:before:1",
    "migrate": "otel_vector.maintain.migrate:_Marks.save:before:1",
    "backup": "otel_vector.maintain.backup:_write_manifest:before:1",
}


@pytest.fixture
def served(tmp_path):
    process = Served(tmp_path)
    with serving() as endpoint:
        (tmp_path / "otel-vector.toml").write_text(SETTINGS.format(tmp_path, endpoint.url))
        yield process
        process.end()


def fill(served):
    spans = [
        item_of(SpanRow(span=n, trace=n % 7 + 1, name=f"op {n % 5}")) for n in range(1, SPANS)
    ]
    assert post(served, traces_data(spans).SerializeToString()).status == 200
    assert settle(served)["spans"] == len(spans)
    with api(served) as client:
        eventually(lambda: not client.get("/v1/stats").json()["meanings"]["pending"], DEADLINE_S)


def start_dying_at(served, place, monkeypatch):
    """Serve the folder by a process that ends itself by SIGKILL where it is told."""
    with monkeypatch.context() as environment:
        paths = [str(FAULTS), os.environ.get("PYTHONPATH", "")]
        environment.setenv("PYTHONPATH", ":".join(filter(None, paths)))
        environment.setenv("CRASH_AT", place)
        served.start()


def job_of(served, job_id):
    with api(served) as client:
        return client.get(f"/v1/jobs/{job_id}").json()


def ended(served, job_id):
    eventually(lambda: job_of(served, job_id)["ended_unix_nano"] != "0", DEADLINE_S)
    return job_of(served, job_id)


def is_sealed(served, _done, _before):
    assert settle(served)["sealed_shards"] > 0


def is_rebuilt(_served, done, before):
    assert done["result"]["items"] <= before.total()


def answers_by_the_new_model(served, done, _before):
    assert settle(served)["embedding"]["model"] == done["result"]["model"] == "two"


def is_moved(served, done, before):
    assert stored_in(Path(done["arguments"]["to"]), served.folder) == before


def is_whole(served, done, _before):
    assert cli(served, "backup", "--verify", done["result"]["folder"], "--json").json["whole"]
    (made,) = Path(done["arguments"]["target"]).iterdir()
    assert str(made) == done["result"]["folder"]


def stored_in(data, folder):
    """Return what another data folder holds."""
    other = Served(folder)
    other.data = data
    try:
        other.start()
        return multiset(exported(other))
    finally:
        other.end()


CHECKS = {
    "seal": is_sealed,
    "reindex": is_rebuilt,
    "reembed": answers_by_the_new_model,
    "migrate": is_moved,
    "backup": is_whole,
}


@pytest.mark.parametrize("kind", PLACES)
def test_a_job_is_gone_on_with_when_its_killed_process_is_started_again(
    served, tmp_path, monkeypatch, kind
):
    served.start()
    fill(served)
    before = multiset(exported(served))
    assert served.stop() == 0
    start_dying_at(served, PLACES[kind], monkeypatch)
    there = str(tmp_path / "allowed" / "there")
    told = {"backup": {"target": there}, "migrate": {"to": there}, "reembed": {"model": "two"}}
    arguments = told.get(kind, {})
    with api(served) as client:
        job = client.post("/v1/jobs", json={"kind": kind, "arguments": arguments}).json()
    assert served.process.wait(DEADLINE_S) == -signal.SIGKILL
    served.start()
    done = ended(served, job["id"])
    assert (done["state"], done["error"], done["attempts"]) == ("done", "", 2)
    assert done["done"] == done["total"]
    assert multiset(exported(served)) == before
    CHECKS[kind](served, done, before)


def test_an_import_that_was_killed_is_told_and_the_same_command_goes_on(served, tmp_path):
    spans = [item_of(SpanRow(span=n, trace=n)) for n in range(1, 21)]
    bodies = [traces_data(spans[at : at + 5]).SerializeToString() for at in range(0, 20, 5)]
    file = tmp_path / "spans.pb"
    file.write_bytes(b"".join(len(body).to_bytes(4, "big") + body for body in bodies))
    served.start()
    command = [*COMMAND, "import", str(file), "--data", str(served.data)]
    place = "otel_vector_collector.cli.transfer.importing:Importer._put:after:1"
    dying = {"PYTHONPATH": f"{FAULTS}:{os.environ.get('PYTHONPATH', '')}", "CRASH_AT": place}
    killed = subprocess.run(
        command, env=environment() | dying, cwd=tmp_path, timeout=DEADLINE_S, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    with api(served) as client:
        job = client.get("/v1/jobs").json()["jobs"][0]
    told = ended(served, job["id"])
    assert (told["kind"], told["state"]) == ("import", "failed")
    assert f"otel-vector import {file}" in told["error"]
    cli(served, "import", str(file))
    settle(served)
    assert multiset(exported(served)) == multiset(traces_data(spans))
