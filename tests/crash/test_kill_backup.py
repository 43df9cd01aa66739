"""kill -9 during a backup and during a restore: the store is unharmed, the next try is whole.

`CRASH_ROUNDS` sets the number of rounds of each (5 by default).
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


def run(*arguments):
    command = [*COMMAND, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, timeout=180, check=False)
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


def killed(seed, started, *arguments):
    """Run a command and kill it at a random moment after its first trace on disk is there."""
    rng = random.Random(seed)
    with subprocess.Popen([*COMMAND, *map(str, arguments)], stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not started() and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.25))
        process.send_signal(signal.SIGKILL)
    return process.returncode == -signal.SIGKILL


def has_more(target, before):
    return bool(set(target.glob("*.partial")) - before)


def content(data):
    exported = run("export", "--data", data)
    return sorted(exported.splitlines())


def test_a_killed_backup_harms_nothing_and_the_next_one_is_whole(data, tmp_path):
    expected, target = content(data), tmp_path / "backups"
    kills = 0
    for seed in range(ROUNDS):
        before = set(target.glob("*"))
        started = partial(has_more, target, before)
        kills += killed(seed, started, "backup", target, "--data", data)
    assert kills
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
    kills = 0
    for seed in range(ROUNDS):
        kills += killed(seed, beside.exists, "restore", folder, "--data", new)
        if new.exists():
            assert content(new) == expected
            shutil.rmtree(new)
    assert kills
    run("restore", folder, "--data", new)
    assert content(new) == expected
    assert not beside.exists()
