"""kill -9 in the middle of moving a store: the next run goes on; nothing lost or doubled."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from migrating import LOGS, SPANS, TENANTS, fill, move, opened

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


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filled")
    store = opened(folder / "source")
    fill(store)
    store.close()
    return folder


def killed(filled, folder, stage):
    """Return a copy of the source with a target into which a process was moving it."""
    subprocess.run(["cp", "-a", "--sparse=always", filled, folder], check=True)
    here = Path(__file__).parent
    path = f"{here / 'faults'}:{os.environ.get('PYTHONPATH', '')}"
    environment = {**os.environ, "PYTHONPATH": path, "CRASH_AT": stage}
    command = [sys.executable, here / "migrating.py", folder]
    done = subprocess.run(command, env=environment, timeout=120, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2_000:]
    return folder


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


@pytest.mark.parametrize("stage", STAGES, ids=[stage.split(":", 1)[1] for stage in STAGES])
def test_the_next_run_completes_what_a_killed_one_began(filled, tmp_path, stage):
    folder = killed(filled, tmp_path / "copy", stage)
    done = move(folder)
    assert all(c.content == c.found_content and not c.wrong for c in done.partitions)
    source, target = opened(folder / "source"), opened(folder / "target")
    for tenant in TENANTS:
        there = contents(target, tenant)
        assert there == contents(source, tenant)
        assert len(there[0]) == len(SPANS) - 7
        assert len(there[1]) == len(LOGS)
        assert there[4].pending == 0
    source.close()
    target.close()
    shutil.rmtree(folder)
