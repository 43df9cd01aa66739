"""The unit, read by systemd's own checker."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from debian import debian_program
from support.sources import ROOT

UNIT = ROOT / "deploy" / "systemd" / "otel-vector.service"
MOST_EXPOSED = 2.0  # of 10; an ordinary service without any protection has 9 and more


@pytest.fixture(scope="module")
def analyze():
    found = shutil.which("systemd-analyze") or debian_program("systemd", "systemd-analyze")
    if subprocess.run([found, "--version"], capture_output=True, check=False).returncode:
        # Out of its package it lacks what a machine without systemd does not have either.
        pytest.skip("systemd's libraries are missing here, and its checker alone does not run")
    return found


@pytest.fixture
def unit(tmp_path):
    """The unit with the program where this machine has it, whose existence is checked, too."""
    text = UNIT.read_text("utf-8")
    (program,) = re.findall(r"^ExecStart=(\S+)", text, re.MULTILINE)
    here = Path(sys.executable).with_name("otel-vector")
    made = tmp_path / UNIT.name
    made.write_text(text.replace(program, str(here)))
    return made


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_it_has_nothing_to_say_against_it(analyze, unit):
    done = run(analyze, "verify", "--man=no", unit)
    about_ours = [line for line in done.stderr.splitlines() if UNIT.stem in line]
    assert (done.returncode, about_ours) == (0, [])


def test_it_finds_it_well_protected(analyze, unit):
    done = run(analyze, "security", "--offline=yes", unit)
    (exposure,) = re.findall(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(exposure) <= MOST_EXPOSED
