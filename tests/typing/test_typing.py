"""Programs that use the library are type-checked as strictly as the library is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.sources import ROOT

PROGRAMS = sorted(Path(__file__).parent.glob("uses_*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_a_users_program_has_the_types_it_expects(program):
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--follow-imports=silent", str(program)],
        capture_output=True, text=True, cwd=ROOT, check=False,
        env={**os.environ, "MYPYPATH": str(ROOT / "collector")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
