"""A type checker sees a decorated function as it is written."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_decorators_keep_the_types_of_what_they_decorate(tmp_path):
    from mypy import api

    file = ROOT / "tests" / "typing" / "decorated.py"
    flags = ["--strict", "--cache-dir", str(tmp_path), "--follow-imports", "silent"]
    python = ["--python-executable", sys.executable, "--python-version", "3.11"]
    said, problems, status = api.run([*flags, *python, str(file)])
    assert status == 0, said + problems
