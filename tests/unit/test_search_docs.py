"""docs/instrument/functions.md and search.md are true: their programs print what they say."""

import os
import re
import subprocess
import sys
from inspect import signature

import pytest
from support.documents import blocks
from support.sources import ROOT

from otel_vector import search_executions, search_functions
from otel_vector.instrument.rows import EXECUTION_FIELDS, FUNCTION_FIELDS

FOLDER = ROOT / "docs" / "instrument"


@pytest.mark.parametrize("name", ["functions.md", "search.md"])
def test_the_programs_of_a_page_print_what_it_says(tmp_path, name):
    program = "\n".join(b.text for b in blocks(FOLDER / name) if b.language == "python")
    file = tmp_path / "page.py"
    file.write_text(program)
    done = subprocess.run(
        [sys.executable, file],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if not k.startswith("OTEL_")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == re.findall(r"^print\(.*\)  # (.*)$", program, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "fields"), [("functions.md", FUNCTION_FIELDS), ("search.md", EXECUTION_FIELDS)]
)
def test_every_field_is_on_its_page(name, fields):
    text = (FOLDER / name).read_text("utf-8")
    assert {field for field in fields if f"`{field}`" not in text} == set()


@pytest.mark.parametrize("search", [search_executions, search_functions])
def test_searches_are_called_as_the_page_says(search):
    given = re.search(rf"`{search.__name__}\((.*?)\)`", (FOLDER / "search.md").read_text())[1]
    shown = [f"{p.name}={p.default}" if p.default is not p.empty else p.name
             for p in signature(search).parameters.values()]  # fmt: skip
    assert given.split(", ") == shown
