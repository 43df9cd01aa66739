"""The wheel, installed alone in another place, is the whole product."""

import json
import subprocess
import sys
import venv
import zipfile

import pytest
from support.sources import ROOT

pytestmark = pytest.mark.slow

ROUND_TRIP = """
import sys, time
from pathlib import Path
from dataclasses import replace
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from otel_vector import Engine, Settings
from otel_vector.inbox.contract import Envelope
from otel_vector.services.search import SearchQuestion
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal

data, tenant = TracesData(), Tenant("default")
scope = data.resource_spans.add().scope_spans.add()
for number, name in enumerate(["authorize credit card", "rotate log files"], start=1):
    start = time.time_ns()
    scope.spans.add(
        trace_id=bytes([number] * 16), span_id=bytes([number] * 8), name=name,
        start_time_unix_nano=start, end_time_unix_nano=start + 1_000_000,
    )
engine = Engine.open(replace(Settings(), data=Path(sys.argv[1])))
engine.start()
engine.inbox.put(
    Envelope(tenant, Signal.SPANS, "application/x-protobuf", "identity", time.time_ns(),
             data.SerializeToString())
)
assert engine.drain(60)
answer = engine.services.search.answer(tenant, SearchQuestion(text="paying with plastic"))
print(answer.groups[0].meaning.text)
engine.close()
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build the wheel, install it in an environment of its own; return that and the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    quiet = ["-m", "pip", "--quiet", "--disable-pip-version-check"]
    run(sys.executable, *quiet, "wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    run(python, *quiet, "install", "--no-compile", f"otel-vector[all] @ {wheel.as_uri()}")
    return python, wheel


@pytest.fixture(scope="module")
def alone(installed, tmp_path_factory):
    """Install the wheel without extras, as an application does; return that environment's Python."""
    folder = tmp_path_factory.mktemp("alone")
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    quiet = ["-m", "pip", "--quiet", "--disable-pip-version-check"]
    run(python, *quiet, "install", "--no-compile", installed[1])
    return python


def test_it_holds_both_packages_the_types_the_model_and_the_licences(installed):
    names = set(zipfile.ZipFile(installed[1]).namelist())
    model = "otel_vector/embed/models/all-MiniLM-L6-v2-int8"
    assert {
        "otel_vector/py.typed", "otel_vector/__init__.pyi", f"{model}/model.onnx",
        f"{model}/NOTICE", "otel_vector_collector/cli/main.py",
        "otel_vector_collector/page/templates/ask.html", "otel_vector_collector/page/style.css",
    } <= names  # fmt: skip
    assert any(name.endswith("licenses/LICENSE") for name in names)
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "otel_vector", "otel_vector_collector",
    }  # fmt: skip


def test_its_command_says_its_version_its_settings_and_that_all_is_well(installed, tmp_path):
    command = installed[0].with_name("otel-vector")
    assert "otel-vector 0." in run(command, "version", cwd=tmp_path)
    assert "serve.otlp_grpc" in run(command, "config", cwd=tmp_path)
    run(command, "doctor", "--data", tmp_path / "data", cwd=tmp_path)


def test_it_imports_and_answers_without_this_checkout(installed, tmp_path):
    command = installed[0].with_name("otel-vector")
    slice_ = ROOT / "examples" / "traces" / "llm-agents.otlp.jsonl.gz"
    run(command, "import", slice_, cwd=tmp_path)
    found = json.loads(run(command, "search", "weather forecast", "--json", cwd=tmp_path))
    assert found["groups"]
    assert found["pending"] == 0


def test_its_library_stores_and_finds_in_one_process(installed, tmp_path):
    output = run(installed[0], "-W", "error", "-c", ROUND_TRIP, tmp_path / "data", cwd=tmp_path)
    assert "authorize credit card" in output


def test_without_extras_it_brings_neither_store_nor_server(alone):
    heavy = ("fastembed", "onnxruntime", "qdrant_edge", "numpy", "fastapi", "typer")
    code = f"from importlib.util import find_spec; print([n for n in {heavy} if find_spec(n)])"
    assert run(alone, "-c", code).strip() == "[]"


def test_without_extras_it_says_what_to_install(alone, tmp_path):
    command = alone.with_name("otel-vector")
    done = subprocess.run([command, "serve"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("otel-vector[collector]")) == (1, 1)
    code = "from otel_vector import Engine, Settings; Engine.open(Settings())"
    done = subprocess.run(
        [alone, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "ConfigError" in done.stderr
    assert "otel-vector[engine]" in done.stderr


def run(*command, cwd=None):
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
