"""The project speaks of itself alone: no machine's paths, no unfinished marks."""

import ast
import re
import subprocess

from support.sources import ROOT, label, package_files

TEXT = {".cfg", ".json", ".md", ".py", ".pyi", ".toml", ".txt", ".yaml", ".yml", ".sh", ""}
MACHINE = re.compile(r"/(?:root|work)/\w|/home/\w+/\w|/Users/\w+/\w|/tmp/\w+/\w")
# The marks that nothing may carry, and this line alone has to name.
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
RECORDED = ("examples/traces/", "tests/golden/")


def test_no_file_names_a_path_of_the_machine_it_was_written_on():
    named = [name for name, text in tracked() if MACHINE.search(text)]
    assert not named


def test_nothing_is_marked_as_unfinished():
    marked = [label(file) for file in package_files() if UNFINISHED.search(file.read_text())]
    assert not marked


def test_every_module_says_what_it_is():
    silent = [
        label(f) for f in package_files() if ast.get_docstring(ast.parse(f.read_text())) is None
    ]
    assert not silent


def tracked():
    """Yield name and text of every text file of the project that is not recorded data."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        file = ROOT / name
        skipped = name.startswith(RECORDED) or name.endswith("test_language.py")
        if file.is_file() and file.suffix in TEXT and not skipped:
            yield name, file.read_text(errors="replace")
