"""What docs/instrument/exporter.md shows runs as it stands, and its tables are complete."""

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sending import serving, settle
from serving import environment
from support.applications import PATIENT
from support.documents import blocks
from support.sources import ROOT

from otel_vector.exporter.tally import ADVICE
from otel_vector.settings.schema import entries

PAGE = ROOT / "docs" / "instrument" / "exporter.md"
TEXT = PAGE.read_text("utf-8")
PYTHON = [block.text for block in blocks(PAGE) if block.language == "python"]
SHELL = [block.text for block in blocks(PAGE) if block.language == "sh"]


def run(command, folder):
    env = environment() | PATIENT
    env |= {
        "XDG_STATE_HOME": str(folder / "state"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OTEL_VECTOR_EMBED_MODEL": "none",
    }
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, check=False, timeout=120, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_program_sends_its_span_to_a_collector(tmp_path):
    with serving(tmp_path) as served:
        program = PYTHON[0].replace("127.0.0.1:4317", served.endpoints["otlp_grpc"])
        run([sys.executable, "-c", program], tmp_path)
        assert settle(served)["spans"] == 1


def test_the_command_sends_the_spans_of_a_program_to_a_collector(tmp_path):
    (tmp_path / "app.py").write_text(
        "from opentelemetry import trace\n"
        "with trace.get_tracer('app').start_as_current_span('charge'): pass\n"
    )
    with serving(tmp_path) as served:
        command = SHELL[1].replace("127.0.0.1:4317", served.endpoints["otlp_grpc"])
        run(["bash", "-euc", command], tmp_path)
        assert settle(served)["spans"] == 1


def test_the_program_with_a_store_of_its_own_counts_its_span(tmp_path):
    assert run([sys.executable, "-c", PYTHON[1]], tmp_path) == "1\n"


@pytest.mark.parametrize(("name", "version"), re.findall(r"([\w-]+)==(\S+)", SHELL[0]))
def test_the_versions_that_are_pinned_are_those_that_are_tested(name, version):
    assert importlib.metadata.version(name) == version


def test_every_reason_for_a_drop_is_explained():
    told = re.findall(r"^\| `(\w+)` \|[^|]+\|[^|`]*(?:`[^|]+`)?[^|]*\|$", TEXT, re.MULTILINE)
    assert set(ADVICE) <= set(told)


def test_every_setting_of_the_exporter_is_named():
    names = [path.partition(".")[2] for path in entries() if path.startswith("exporter.")]
    assert not [name for name in names if f"`{name}`" not in TEXT]
