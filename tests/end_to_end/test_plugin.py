"""Backends of another package: installed, held to the contracts, chosen by settings, served."""

import json
import os
import re
import subprocess
import sys
import time

import pytest
import serving
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from sending import post
from support.sources import ROOT

PLUGIN = ROOT / "tests" / "plugin"
PAGE = (ROOT / "docs" / "extending.md").read_text("utf-8")
CHOSEN = [f"--set={part}.backend=tiny" for part in ("store", "embed", "inbox")]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the example package in it, as pip leaves it."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--no-compile"]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", *options]
    subprocess.run([*pip, "--target", str(folder), str(PLUGIN)], check=True)
    return folder


@pytest.fixture
def beside(installed, monkeypatch):
    """Have every process that is started from here find the package."""
    there = os.environ.get("PYTHONPATH")
    path = str(installed) if not there else os.pathsep.join((str(installed), there))
    monkeypatch.setenv("PYTHONPATH", path)
    return installed


@pytest.fixture
def served(beside, tmp_path):
    made = serving.Served(tmp_path)
    yield made
    made.end()


def run(*command, **more):
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=300,
        env=serving.environment(), **more,
    )  # fmt: skip


def test_its_backends_keep_the_promises(beside, tmp_path):
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(PLUGIN), "-c", os.devnull]
    suites = str(PLUGIN / "suites.py")
    done = run(sys.executable, "-m", "pytest", *options, suites, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 250


def test_a_process_serves_with_them_alone(served):
    served.start(*CHOSEN)
    assert post(served, one_span("authorize credit card").SerializeToString()).status == 200
    answers = []
    serving.eventually(lambda: answers.append(found(served, "credit card")) or answers[-1], 60)
    assert answers[-1]["groups"][0]["spans"]["count"] == 1
    stats = json.loads(cli(served, "stats", "--json").stdout)
    assert stats["embedding"] == {"model": "tiny-letters", "dimension": 27}
    assert (served.data / "store" / "tiny.txt").read_text() == "tiny tiny-letters 27 0"
    processes = (served.data / "inbox" / "opened-by.txt").read_text().split()
    assert len(set(processes)) == 2
    assert str(served.process.pid) in processes
    assert served.stop() == 0


@pytest.mark.parametrize("part", ["store", "embed", "inbox"])
def test_an_unknown_name_is_refused_with_those_that_are_installed(served, part):
    done = cli(served, "serve", f"--set={part}.backend=huge", "--data", str(served.data))
    assert done.returncode == 1
    assert f"{part}.backend 'huge'" in done.stderr
    assert "installed: tiny" in done.stderr


def test_a_package_that_cannot_be_imported_is_named(served, installed, tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    facts = broken / "odd_store-3.1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-store\nVersion: 3.1\n")
    (facts / "entry_points.txt").write_text("[otel_vector.store]\nodd = odd_store:Store\n")
    (broken / "odd_store.py").write_text("import a_library_that_is_not_there\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(broken), os.environ["PYTHONPATH"])))
    done = cli(served, "serve", "--set=store.backend=odd", "--data", str(served.data))
    assert done.returncode == 1
    assert "of package odd-store 3.1 cannot be imported" in done.stderr
    assert "a_library_that_is_not_there" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_page_shows_what_the_example_does():
    sources = [path.read_text("utf-8") for path in (*PLUGIN.glob("*.*"), *PLUGIN.glob("*/*.py"))]
    snippets = re.findall(r"```(?:python|toml)\n(.*?)```", PAGE, re.DOTALL)
    assert len(snippets) == 3
    for snippet in snippets:
        for part in filter(None, map(str.rstrip, snippet.split("\n\n"))):
            assert any(part in source for source in sources), part
    assert " ".join(CHOSEN).replace("--set=", "--set ") in PAGE


def one_span(name):
    data = TracesData()
    span = data.resource_spans.add().scope_spans.add().spans.add(name=name)
    span.trace_id, span.span_id = bytes([7] * 16), bytes([9] * 8)
    span.start_time_unix_nano = time.time_ns()
    span.end_time_unix_nano = span.start_time_unix_nano + 1_000_000
    return data


def found(served, text):
    answer = json.loads(cli(served, "search", text, "--json").stdout)
    return answer if answer["groups"] and not answer["pending"] else None


def cli(served, *arguments):
    given = [] if "--data" in arguments else ["--data", str(served.data)]
    free = []
    if arguments[0] == "serve":
        free = served.addresses
    return run(*serving.COMMAND, *arguments, *free, *given, cwd=served.folder)
