"""kill -9 in the middle of moving a store: the next run goes on; nothing lost or doubled."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from migrating import LOGS, SPANS, TENANTS, fill, move, on_server, opened

from otel_vector.spans.filters import Where
from otel_vector.spans.meanings import Signal
from otel_vector.testing.store_case import all_pages

STAGES = (
    "otel_vector.store.edge.writer:EdgeWriter.write:after:2",
    "otel_vector.maintain.vectors:VectorCarrier._fill:before:1",
    "otel_vector.maintain.migrate:_Marks.save:before:1",
    "otel_vector.maintain.migrate:_Marks.save:after:1",
    "otel_vector.maintain.migrate:_Migration._compare_tenant:before:2",
)

TO_SERVER = ("otel_vector.store.qdrant.writer:QdrantWriter.write:after:2", *STAGES[1:])


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filled")
    store = opened(folder / "source")
    fill(store)
    store.close()
    return folder


def copied(filled, folder):
    subprocess.run(["cp", "-a", "--sparse=always", filled, folder], check=True)
    return folder


def begun(place, *command):
    """Start a process that is to end itself by SIGKILL at a place; at none if that is empty."""
    here = Path(__file__).parent
    paths = [here / "faults", here.parent, os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": ":".join(map(str, paths)), "CRASH_AT": place}
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def moving(place, folder, *url):
    return begun(place, Path(__file__).parent / "migrating.py", folder, *url)


def killed(process):
    told = process.communicate(timeout=600)[1]
    assert process.returncode == -signal.SIGKILL, told[-2_000:]


@contextmanager
def server(folder, place="", port=0):
    """Run a server in a process of its own; yield the process and its address."""
    process = begun(place, "-m", "standin", "--data", folder, "--port", port)
    try:
        url = process.stdout.readline().strip()
        assert url, process.communicate(timeout=10)[1]
        yield process, url
    finally:
        process.kill()
        process.communicate(timeout=600)


def contents(store, tenant):
    part, every = store.tenant(tenant), Where(runs=())
    spans = part.reader.items(Signal.SPANS, all_pages(part, every))
    candidates = part.reader.candidates(Signal.SPANS, every)
    return (
        [(item.id, set(item.meanings)) for item in spans],
        all_pages(part, every, Signal.LOGS),
        candidates,
        part.reader.tally(Signal.SPANS, every, list(candidates)),
        part.meanings.counts(),
        (part.size().spans, part.size().logs, part.upkeep.tombstones()),
    )


def require_same(done, source, target):
    assert all(c.content == c.found_content and not c.wrong for c in done.partitions)
    for tenant in TENANTS:
        there = contents(target, tenant)
        assert there == contents(source, tenant)
        assert len(there[0]) == len(SPANS) - 7
        assert len(there[1]) == len(LOGS)
        assert there[4].pending == 0


@pytest.mark.parametrize("stage", STAGES, ids=[stage.split(":", 1)[1] for stage in STAGES])
def test_the_next_run_completes_what_a_killed_one_began(filled, tmp_path, stage):
    folder = copied(filled, tmp_path / "copy")
    killed(moving(stage, folder))
    done = move(folder)
    with (
        closing(opened(folder / "source")) as source,
        closing(opened(folder / "target")) as target,
    ):
        require_same(done, source, target)
    shutil.rmtree(folder)


@pytest.mark.parametrize("stage", TO_SERVER, ids=[s.split(":", 1)[1] for s in TO_SERVER])
def test_the_next_run_to_a_server_completes_what_a_killed_one_began(filled, tmp_path, stage):
    folder = copied(filled, tmp_path / "copy")
    with server(tmp_path / "server") as (_, url):
        killed(moving(stage, folder, url))
        done = move(folder, url)
        with closing(opened(folder / "source")) as source, closing(on_server(url)) as target:
            require_same(done, source, target)
    shutil.rmtree(folder)


def test_a_run_goes_on_by_itself_when_a_killed_server_is_back(filled, tmp_path):
    folder, data = copied(filled, tmp_path / "copy"), tmp_path / "server"
    with server(data, "standin.points:Points.Upsert:after:10") as (process, url):
        run = moving("", folder, url)
        assert process.wait(600) == -signal.SIGKILL
    with server(data, port=url.rpartition(":")[2]) as (_, again):
        assert again == url
        told = run.communicate(timeout=600)[1]
        assert run.returncode == 0, told[-2_000:]
        done = move(folder, url)
        assert done.written == 0
        with closing(opened(folder / "source")) as source, closing(on_server(url)) as target:
            require_same(done, source, target)
