"""kill -9 while points are made again, sealed, or vectors replaced: all is as it was told.

Each round a process writes and rebuilds (re-embeds, seals) the same store and dies at a stage.
Afterwards the work is done once more to its end, and what was acknowledged is there once, with
points that say what the blocks say, and a vector of one model for every text.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from rebuilding import embed, opened, write

from otel_vector.embed.contract import Role
from otel_vector.maintain.describing import describers
from otel_vector.settings.config import DescribeConfig
from otel_vector.spans.filters import Where
from otel_vector.spans.items import logs_data, traces_data
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import Nearest
from otel_vector.testing.builders import TENANT
from otel_vector.testing.store_case import ALL_RUNS, all_pages

_EDGE = "otel_vector.store.edge"
REINDEX = (
    f"{_EDGE}.building:Building.insert:after:3",
    f"{_EDGE}.building:Building.complete:before:1",
    f"{_EDGE}.repairs:Repairs.replace:before:2",
    f"{_EDGE}.repairs:Repairs.replace:after:1",
    f"{_EDGE}.repairs:Repairs.mended:before:2",
)
REEMBED = (
    f"{_EDGE}.store:EdgeStore.prepare:after:1",
    f"{_EDGE}.store:EdgeStore.switch:before:1",
    f"{_EDGE}.spaces:Spaces.change:after:2",
    f"{_EDGE}.shelf:point_at:before:1",
    f"{_EDGE}.shelf:point_at:after:1",
)
SEAL = (
    f"{_EDGE}.data:TenantData.new_shard:after:2",
    f"{_EDGE}.copies:copy_folder:after:1",
    f"{_EDGE}.seal:_run:before:2",
    f"{_EDGE}.seal:_run:after:1",
    f"{_EDGE}.seal:rename_durably:after:1",
    f"{_EDGE}.manifest:Manifest.swap:before:2",
    f"{_EDGE}.manifest:Manifest.swap:after:1",
    f"{_EDGE}.shard:SpanShard.dismantle:before:1",
    f"{_EDGE}.shard:SpanShard.dismantle:after:1",
)
MERGE = (
    f"{_EDGE}.blocks:BlockFile.merge:before:2",
    f"{_EDGE}.members:Members.unite:after:1",
    f"{_EDGE}.members:Members.unite:after:2",
    f"{_EDGE}.members:Members.settle:before:1",
    f"{_EDGE}.blocks:BlockFile.merge:after:2",
)


def run(folder, acks, work, stage=""):
    """Work on a store, until the stage if one is named; it is reached however fast the machine."""
    here = Path(__file__).parent
    environment = {
        **os.environ,
        "PYTHONPATH": f"{here / 'faults'}:{os.environ.get('PYTHONPATH', '')}",
        "CRASH_AT": stage,
    }
    command = [sys.executable, here / "rebuilding.py", folder, acks, work]
    log = folder.with_name("told")  # no pipe: what seals a copy outlives who started it
    with log.open("wb") as file:
        done = subprocess.run(
            command, env=environment, stdout=file, stderr=file, timeout=900, check=False
        )
    wanted = -signal.SIGKILL if stage else 0
    assert done.returncode == wanted, f"{stage}: {done.returncode}\n{log.read_text()[-4_000:]}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("work", "stages"),
    [("reindex", REINDEX), ("reembed", REEMBED), ("seal", SEAL), ("merge", MERGE)],
    ids=["reindex", "reembed", "seal", "merge"],
)
def test_work_that_was_killed_is_resumed_and_nothing_is_lost_or_doubled(tmp_path, work, stages):
    folder, acks = tmp_path / "store", tmp_path / "acks"
    run(folder, acks, "reindex")
    for stage in stages:
        run(folder, acks, work, stage)
        assert_as_acknowledged(folder, acks)
    run(folder, acks, work)
    assert_as_acknowledged(folder, acks)


def assert_as_acknowledged(folder, acks):
    store, model = opened(folder)
    tenant = store.tenant(TENANT)
    write(store, len(acks.read_text().splitlines()))  # what was not acknowledged comes again
    store.checkpoint()
    stored = all_pages(tenant, Where(runs=ALL_RUNS))
    assert len(stored) == len(set(stored))
    assert set(acks.read_text().split()) <= set(stored)
    assert tenant.upkeep.damaged() == {}
    assert_points_as_described(tenant, stored)
    embed(store, model)
    assert tenant.meanings.counts().pending == 0
    (vector,) = model.embed(["question 5"], Role.QUESTION)
    every = tenant.meanings.counts().total  # other questions may have the same vector
    asked = Nearest(None, None, vectors={model.model: vector}, limit=every)
    hits = tenant.meanings.nearest(asked)
    assert "question 5" in {hit.meaning.text for hit in hits if hit.cosine > 0.999}
    store.close()


def assert_points_as_described(tenant, stored):
    describe = describers(DescribeConfig())(TENANT)
    spans = tenant.reader.items(Signal.SPANS, stored)
    logs = tenant.reader.items(Signal.LOGS, all_pages(tenant, signal=Signal.LOGS))
    joined = Counter()
    joins = {}
    for join in describe(Signal.LOGS, logs_data(logs).SerializeToString()).joins:
        joins.setdefault(join.trace_id + join.span_id, set()).update(join.meanings)
    batch = describe(Signal.SPANS, traces_data(spans).SerializeToString())
    keys = [t + s for t, s in zip(batch.trace_ids, batch.span_ids, strict=True)]
    own = dict(zip(batch.ids, zip(batch.meanings, keys, strict=True), strict=True))
    for item in spans:
        meanings, key = own[item.id]
        assert set(meanings) <= set(item.meanings)
        assert set(item.meanings) <= set(meanings) | joins.get(key, set())
        joined.update(set(item.meanings))
    assert tenant.reader.candidates(Signal.SPANS, Where()) == dict(joined)
    tallies = tenant.reader.tally(Signal.SPANS, Where(), list(joined))
    assert {m: tally.count for m, tally in tallies.items()} == dict(joined)
    for meaning, tally in tallies.items():
        starts = [item.start_ns for item in spans if meaning in item.meanings]
        assert (tally.first_ns, tally.last_ns) == (min(starts), max(starts))
