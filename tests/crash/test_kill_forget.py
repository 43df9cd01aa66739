"""kill -9 in the middle of deletion and of retention: nothing lost, doubled or resurrected."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from forgetting import (
    DOOMED,
    LIMIT_NS,
    LOGS,
    NEW,
    OLD,
    SECRET,
    STAYING,
    act,
    fill,
    opened,
    write,
)

from otel_vector.spans.filters import Where
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.testing.builders import TENANT, item_of, meaning_of
from otel_vector.testing.store_case import all_pages, newest_first

_EDGE = "otel_vector.store.edge"
DELETING = (
    f"{_EDGE}.ledger:Ledger.bury:before:1",
    f"{_EDGE}.ledger:Ledger.bury:after:1",
    f"{_EDGE}.shard:SpanShard.remove:after:1",
    f"{_EDGE}.forget:Forgetter.remove_points:after:1",
    f"{_EDGE}.blocks:BlockFile.blank:before:1",
    f"{_EDGE}.blocks:BlockFile.blank:after:2",
    f"{_EDGE}.blocks:BlockFile.scrub:after:1",
    f"{_EDGE}.meanings:EdgeMeanings.remove:before:1",
    f"{_EDGE}.meanings:EdgeMeanings.remove:after:1",
    f"{_EDGE}.ledger:Ledger.done:before:1",
    f"{_EDGE}.ledger:Ledger.done:after:1",
)
DROPPING = (
    f"{_EDGE}.ledger:Ledger.retire:before:1",
    f"{_EDGE}.ledger:Ledger.retire:after:1",
    f"{_EDGE}.data:TenantData.leave:after:1",
    f"{_EDGE}.pool:Pool.retire:after:1",
    f"{_EDGE}.drop:rename_durably:after:1",
    f"{_EDGE}.drop:_remove_tree:after:1",
    f"{_EDGE}.ledger:Ledger.left:after:1",
    f"{_EDGE}.meanings:EdgeMeanings.remove:after:1",
    f"{_EDGE}.ledger:Ledger.done:before:1",
)
CUTTING = (
    f"{_EDGE}.ledger:Ledger.retire:after:1",
    f"{_EDGE}.shard:SpanShard.remove:after:1",
    f"{_EDGE}.blocks:BlockFile.remove:after:1",
    f"{_EDGE}.blocks:BlockFile.blank:after:1",
    f"{_EDGE}.ledger:Ledger.cut_done:before:1",
    f"{_EDGE}.ledger:Ledger.cut_done:after:1",
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filled") / "store"
    store = opened(folder)
    fill(store)
    store.close()
    return folder


def killed(filled, folder, what, stage):
    """Return a copy of the store in which a process died at a stage."""
    subprocess.run(["cp", "-a", "--sparse=always", filled, folder], check=True)
    here = Path(__file__).parent
    path = f"{here / 'faults'}:{os.environ.get('PYTHONPATH', '')}"
    environment = {**os.environ, "PYTHONPATH": path, "CRASH_AT": stage}
    command = [sys.executable, here / "forgetting.py", folder, what]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=600)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    return folder


@pytest.mark.parametrize("stage", DELETING, ids=lambda s: s.removeprefix(f"{_EDGE}."))
def test_a_deletion_is_completed_or_was_never_begun(filled, tmp_path, stage):
    store = opened(killed(filled, tmp_path / "store", "delete", stage))
    tenant = store.tenant(TENANT)
    begun = bool(tenant.upkeep.tombstones())
    assert begun == (stage != DELETING[0])
    is_exactly(tenant, STAYING if begun else [*OLD, *NEW])
    assert act(store, "delete") == (0 if begun else len(DOOMED))
    is_exactly(tenant, STAYING)
    assert write(store, OLD) == []
    is_exactly(tenant, STAYING)
    has_no_bytes_of(tenant, DOOMED)
    store.close()
    shutil.rmtree(tmp_path / "store")


@pytest.mark.parametrize("stage", DROPPING, ids=lambda s: s.removeprefix(f"{_EDGE}."))
def test_a_partition_is_dropped_or_is_there(filled, tmp_path, stage):
    store = opened(killed(filled, tmp_path / "store", "drop", stage))
    tenant = store.tenant(TENANT)
    begun = len(tenant.upkeep.partitions()) == 1
    assert begun == (stage != DROPPING[0])
    is_exactly(tenant, NEW if begun else [*OLD, *NEW])
    if not begun:
        assert act(store, "drop") == len(OLD) + len(LOGS)
    is_exactly(tenant, NEW)
    is_told_once(tenant, OLD)
    folders = [f.name for f in (tmp_path / "store" / "tenants" / TENANT).iterdir()]
    assert not [name for name in folders if name.startswith(("2023-11", "2023-11.leaving"))]
    assert set(write(store, OLD)) == {item_of(row).id for row in OLD}
    store.close()
    shutil.rmtree(tmp_path / "store")


@pytest.mark.parametrize("stage", CUTTING, ids=lambda s: s.removeprefix(f"{_EDGE}."))
def test_a_cut_is_completed(filled, tmp_path, stage):
    store = opened(killed(filled, tmp_path / "store", "cut", stage))
    tenant = store.tenant(TENANT)
    early = [row for row in OLD if row.start_ns < LIMIT_NS]
    is_exactly(tenant, [*OLD[len(early) :], *NEW], logs=[])
    is_told_once(tenant, early)
    has_no_bytes_of(tenant, early)
    assert act(store, "cut") == 0
    store.close()
    shutil.rmtree(tmp_path / "store")


def is_exactly(tenant, rows, logs=None):
    """Every answer is that of these rows."""
    assert all_pages(tenant) == newest_first(rows)
    if logs is not None:
        assert all_pages(tenant, signal=Signal.LOGS) == newest_first(logs)
    pointed = {}
    for row in rows:
        for meaning in item_of(row).meanings:
            pointed.setdefault(meaning, []).append(row.start_ns)
    joined = meaning_of((Facet.OUTPUT, "joined")).id
    pointed[joined] = [NEW[0].start_ns]
    counted = {meaning: len(starts) for meaning, starts in pointed.items()}
    assert tenant.reader.candidates(Signal.SPANS, Where()) == counted
    tallies = tenant.reader.tally(Signal.SPANS, Where(), list(pointed))
    for meaning, starts in pointed.items():
        tally = tallies[meaning]
        assert (tally.first_ns, tally.last_ns) == (min(starts), max(starts))
    texts = {meaning_of(text).id for row in OLD for text in row.means}
    assert tenant.meanings.get(texts).keys() == texts & pointed.keys()
    assert tenant.size().spans == len(rows)


def is_told_once(tenant, rows):
    operation = item_of(rows[0]).meanings[0]
    assert tenant.upkeep.retired([operation])[operation].count == len(rows)


def has_no_bytes_of(tenant, rows):
    """No block holds a deleted text."""
    gone = [f"{SECRET}{row.span}.".encode() for row in rows]
    for partition in tenant.upkeep.partitions():
        for block in tenant.upkeep.blocks(partition.name):
            assert not [text for text in gone if text in block.message]
