"""kill -9 during a backup and during a restore: the store is unharmed, the next try is whole.

At named stages first, then at random moments: `CRASH_ROUNDS` of each (5 by default), some of
which may come too late.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "5"))
COMMAND = [sys.executable, "-m", "otel_vector_collector.cli"]
SPANS = 3000
BACKUP = (
    "otel_vector.store.edge.snapshot:copy_database:after:1",
    "otel_vector.store.edge.copies:copy_folder:after:1",
    "otel_vector.maintain.backup:_write_manifest:before:1",
    "otel_vector.maintain.backup:_write_manifest:after:1",
)
RESTORE = (
    "otel_vector.maintain.restore:_begin:after:1",
    "otel_vector.maintain.restore:_copy_checked:after:3",
    "otel_vector.maintain.restore:_copy:after:1",
)


def run(*arguments):
    command = [*COMMAND, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture
def data(tmp_path):
    lines = tmp_path / "spans.jsonl"
    with lines.open("w") as file:
        for n in range(SPANS):
            span = {
                "traceId": f"{n // 10 + 1:032x}", "spanId": f"{n + 1:016x}",
                "name": f"step {n % 7}", "startTimeUnixNano": str(10**18 + n),
                "endTimeUnixNano": str(10**18 + n + 1000),
            }  # fmt: skip
            json.dump({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}, file)
            file.write("\n")
    run("import", "--data", tmp_path / "data", lines)
    return tmp_path / "data"


def dies(stage, *arguments):
    """Run a command that kills itself at a stage."""
    paths = [Path(__file__).parent / "faults", os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": ":".join(map(str, paths)), "CRASH_AT": stage},
        capture_output=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, f"{stage}: {done.stderr.decode()}"


def kill(seed, started, *arguments):
    """Run a command and kill it at a random moment after its first trace on disk is there."""
    rng = random.Random(seed)
    with subprocess.Popen([*COMMAND, *map(str, arguments)], stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 300
        while not started() and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.25))
        process.send_signal(signal.SIGKILL)


def has_more(target, before):
    return bool(set(target.glob("*.partial")) - before)


def content(data):
    exported = run("export", "--data", data)
    return sorted(exported.splitlines())


def test_a_killed_backup_harms_nothing_and_the_next_one_is_whole(data, tmp_path):
    expected, target = content(data), tmp_path / "backups"
    for stage in BACKUP:
        dies(stage, "backup", target, "--data", data)
    for seed in range(ROUNDS):
        before = set(target.glob("*"))
        started = partial(has_more, target, before)
        kill(seed, started, "backup", target, "--data", data)
    folder = Path(run("backup", target, "--data", data).strip())
    assert not list(target.glob("*.partial"))
    for made in target.iterdir():
        run("backup", "--verify", made)
    assert content(data) == expected
    shutil.rmtree(data)
    run("restore", folder, "--data", data)
    assert content(data) == expected


def test_a_killed_restore_leaves_the_whole_folder_or_none(data, tmp_path):
    expected = content(data)
    folder = Path(run("backup", tmp_path / "backups", "--data", data).strip())
    new, beside = tmp_path / "new", tmp_path / "new.partial"
    for stage in RESTORE:
        dies(stage, "restore", folder, "--data", new)
        assert not new.exists()
    for seed in range(ROUNDS):
        kill(seed, beside.exists, "restore", folder, "--data", new)
        if new.exists():
            assert content(new) == expected
            shutil.rmtree(new)
    run("restore", folder, "--data", new)
    assert content(new) == expected
    assert not beside.exists()
