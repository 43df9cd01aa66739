"""docs/instrument/decorators.md is true: its programs run and print what stands beside them."""

import re
import subprocess
import sys
from inspect import signature

import pytest
from support.documents import blocks
from support.sources import ROOT

from otel_vector import trace_span, vectorize
from otel_vector.settings.schema import entries

PAGE = ROOT / "docs" / "instrument" / "decorators.md"
TEXT = PAGE.read_text("utf-8")


def test_the_programs_of_the_page_print_what_it_says(tmp_path):
    program = "\n".join(b.text for b in blocks(PAGE) if b.language == "python")
    file = tmp_path / "page.py"
    file.write_text(program)
    done = subprocess.run(
        [sys.executable, file], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == re.findall(r"^print\(.*\)  # (.*)$", program, re.MULTILINE)


@pytest.mark.parametrize("decorator", [vectorize, trace_span])
def test_every_parameter_is_on_the_page(decorator):
    rows = TEXT.partition("## Parameters")[2].partition("## What")[0]
    names = set(signature(decorator).parameters) - {"function", "tags"}
    assert {name for name in names if f"`{name}`" not in rows} == set()


def test_every_variable_on_the_page_is_a_setting():
    named = set(re.findall(r"OTEL_VECTOR_[A-Z_]+", TEXT))
    assert named
    assert named <= {entry.variable for entry in entries().values()}
