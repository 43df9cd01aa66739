"""A notebook with a store in its own process: it finds what it did itself."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from example_programs import terminals
from support.sources import ROOT

(CELLS,) = terminals("notebook")
BIN = Path(sys.executable).parent
RUNS = 9


def run(folder, command):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OTEL")}
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env={**kept, "PATH": f"{BIN}{os.pathsep}{kept['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("notebook")
    (place / "examples").symlink_to(ROOT / "examples")
    return place


@pytest.fixture(scope="module")
def printed(folder):
    return run(folder, CELLS)


def test_it_lists_its_runs_in_their_order_roots_last(printed):
    rows = re.findall(r"^(grams|convert) +(SUCCESS|ERROR) +[\d.]+ ms$", printed, re.MULTILINE)
    first, second = [("grams", "SUCCESS")] * 2, ("convert", "SUCCESS")
    failed = [("grams", "SUCCESS"), ("grams", "ERROR"), ("convert", "ERROR")]
    assert rows == [*first, second, *first, second, *failed]


def test_it_finds_the_failure_and_the_function_by_plain_words(printed):
    assert "failed: how much is a cup of saffron?" in printed
    assert re.search(r"^found: convert\(recipe, guests=4\), line \d+$", printed, re.MULTILINE)


def test_it_can_be_run_again_and_its_folder_answers_the_command_line(printed, folder):
    run(folder, CELLS)
    stats = json.loads(run(folder, "otel-vector stats --json --data recipes-data"))
    assert stats["spans"] == 2 * RUNS
