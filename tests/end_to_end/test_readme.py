"""What the README and the docs say works: snippets run, commands parse, links lead somewhere."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from itertools import dropwhile, groupby, takewhile
from pathlib import Path

import pytest
import typer
from support.applications import PATIENT
from support.documents import blocks, pages
from support.sources import ROOT

from otel_vector_collector.cli.main import app

BIN = Path(sys.executable).parent
START_S = 60
STORED_S = 60
README = blocks(ROOT / "README.md")
ALL = [block for page in pages() for block in blocks(page)]
SHELL = [block for block in ALL if block.language == "sh"]

# Lines of unmarked blocks that are not ours to run: installers, a user's own programs.
FOREIGN = {
    "builder",
    "cp",
    "curl",
    "docker",
    "go",
    "gunicorn",
    "head",
    "install",
    "jaeger",
    "jq",
    "mkdir",
    "opentelemetry-instrument",
    "otelcol",
    "pip",
    "sh",
    "systemctl",
    "telemetrygen",
    "useradd",
    "zcat",
}


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    """Serve the default folder of an empty directory on free ports."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "examples").symlink_to(ROOT / "examples")
    free = "127.0.0.1:0"
    flags = ("--otlp-grpc", "--otlp-http", "--jaeger-grpc", "--api")
    command = ["otel-vector", "serve", *(text for flag in flags for text in (flag, free))]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield folder, endpoints(folder, process)
    finally:
        process.terminate()
        assert process.wait(60) == 0


def test_every_snippet_of_the_readme_runs_in_its_order(collector):
    folder, served = collector
    run = [block for block in README if block.mark == "run"]
    assert {block.language for block in run} == {"python", "sh"}
    for block in run:
        if "curl" in block.text and shutil.which("curl") is None:
            continue
        output = executed(block, folder, served)
        assert "nothing found" not in output, block
        wait_until_stored(folder)


def test_the_search_that_the_readme_shows_names_the_declined_card(collector):
    folder, _ = collector
    found = ask(folder, "search", "card was declined", "--json")
    assert "card declined" in found["groups"][0]["meaning"]["text"]


@pytest.mark.parametrize("block", ALL, ids=str)
def test_every_block_says_whether_it_runs(block):
    assert block.mark in {"", "run", "make"}
    if block.mark == "run":
        assert block.page == "README.md", "only the README's blocks are run in a collector"


@pytest.mark.parametrize("block", [b for b in SHELL if b.mark == "make"], ids=str)
def test_every_make_target_that_is_named_is_there(block):
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"^make ([a-z-]+)", block.text, re.MULTILINE)
    assert named
    assert set(named) <= made


@pytest.mark.parametrize("block", [b for b in SHELL if b.mark != "make"], ids=str)
def test_every_command_that_is_shown_can_be_parsed(block):
    for words in map(run_as_oneself, commands(block.text)):
        program = Path(words[0]).name
        if program == "otel-vector":
            parse(words[1:])
        elif program == "python" and words[1].endswith(".py") and "/" in words[1]:
            assert (ROOT / words[1]).is_file()
        elif program not in {"python", "python3"} | FOREIGN:
            pytest.fail(f"{block}: who is {words[0]!r}?")


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_every_file_of_ours_that_a_command_takes_is_there(block):
    taken = [word for words in commands(block.text) for word in words if is_ours(word)]
    assert not [word for word in taken if not (ROOT / word).exists()]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text("utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_the_collector_configuration_in_the_readme_is_the_one_in_the_file():
    whole = {bare(line) for line in (ROOT / "otel-collector-config.yaml").read_text().splitlines()}
    shown = [block for block in README if block.language == "yaml"]
    assert shown
    assert {bare(line) for block in shown for line in block.text.splitlines()} <= whole


def bare(line):
    """Return a line without its comment, with the defaults of what the environment may set."""
    return re.sub(r"\$\{env:\w+:-([^}]*)\}", r"\1", line.partition(" #")[0]).rstrip()


def environment():
    """Return a clean environment in which our commands are found first."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OTEL")}
    return {**kept, **PATIENT, "PATH": f"{BIN}{os.pathsep}{kept.get('PATH', '')}"}


def endpoints(folder, process):
    path = folder / "otel-vector-data" / "endpoints.json"
    deadline = time.monotonic() + START_S
    while not path.exists():
        assert process.poll() is None, (folder / "serve.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return json.loads(path.read_text())


def executed(block, folder, served):
    """Run a block against the collector under test and return what it printed."""
    text = block.text.replace("127.0.0.1:4317", served["otlp_grpc"])
    text = text.replace("127.0.0.1:8317", served["api"])
    command = (
        [sys.executable, "-c", text] if block.language == "python" else ["bash", "-euc", text]
    )
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def wait_until_stored(folder):
    deadline = time.monotonic() + STORED_S
    while time.monotonic() < deadline:
        stats = ask(folder, "stats", "--json")
        if not stats["inbox"]["pending"] and not stats["meanings"]["pending"]:
            return
    pytest.fail(f"not everything was stored: {stats}")


def ask(folder, *arguments):
    done = subprocess.run(
        ["otel-vector", *arguments], cwd=folder, env=environment(), capture_output=True, check=True
    )
    return json.loads(done.stdout)


def commands(text):
    """Return the words of each command, every part of a pipe by itself."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&")
        lexer.whitespace_split = True
        for is_between, words in groupby(lexer, lambda word: set(word) <= set("|;&")):
            command = list(takewhile(is_no_redirection, dropwhile(is_setting, words)))
            if command and not is_between:
                yield command


def is_ours(word):
    """Say whether a word is a path in this repository, as seen from its root."""
    return re.match(r"(deploy|collector|tests|examples/\w+\.py)(/|$)", word) is not None


def run_as_oneself(words):
    """Return a command without the `runuser -u NAME --` that says who runs it."""
    return words[words.index("--") + 1 :] if words[0] == "runuser" else words


def is_setting(word):
    return re.match(r"[A-Z_]+=", word) is not None


def is_no_redirection(word):
    return not word.startswith((">", "<"))


def parse(words):
    """Parse a command line as the command itself would, without running it."""
    command, context = typer.main.get_command(app), None
    while hasattr(command, "commands"):
        context = command.make_context("otel-vector", list(words), parent=context)
        _, command, words = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
    command.make_context("otel-vector", list(words), parent=context)
