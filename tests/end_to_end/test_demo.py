"""`make demo` shows the whole way, and leaves a folder that goes on answering."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.sources import ROOT

OTEL_VECTOR = Path(sys.executable).parent / "otel-vector"
MOST_S = 180

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Run the demo on free ports with few customers; return its folder and what it printed."""
    data = tmp_path_factory.mktemp("demo") / "demo-data"
    command = [sys.executable, ROOT / "examples" / "demo.py", "--data", data, "--seconds", "6"]
    done = subprocess.run(
        [*command, "--free-ports"], capture_output=True, text=True, timeout=MOST_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return data, done.stdout


def test_it_asks_three_questions_and_shows_each_command_with_its_answer(shown):
    _, output = shown
    asked = re.findall(r"^\$ otel-vector search '(.+)' --limit", output, re.MULTILINE)
    assert len(asked) == 3
    _, *answers = re.split(r"^\$ otel-vector search", output, flags=re.MULTILINE)
    assert "card declined" in answers[0]
    assert "refund refused" in answers[1]
    assert "ts-" in answers[2]


def test_it_draws_the_failed_order_across_the_services(shown):
    _, output = shown
    drawn = output.partition("$ otel-vector trace")[2]
    assert "of 3 services" in drawn
    for name in ("POST /checkout", "POST /charges", "bank authorize ✗"):
        assert name in drawn


def test_the_customers_met_success_and_every_kind_of_failure(shown):
    _, output = shown
    for status in ("200", "402"):
        assert re.search(rf"\d+ answered {status}\b", output)


def test_every_span_of_the_recorded_traces_is_there_once(shown):
    data, _ = shown
    stats = asked(data, "stats", "--json")
    assert stats["inbox"]["pending"] == stats["inbox"]["dead"] == 0
    stored = {
        row["service"]: row["spans"] for row in asked(data, "services", "--json")["services"]
    }
    recorded = recorded_spans()
    assert len(recorded) > 40
    assert {service: stored[service] for service in recorded} == recorded


def test_the_folder_goes_on_answering(shown):
    data, output = shown
    assert f"search 'sold out' --data {data}" in output
    found = asked(data, "search", "payment was declined", "--json")
    assert "card declined" in found["groups"][0]["meaning"]["text"]


def test_it_looks_after_the_folder_and_shows_how(shown):
    data, output = shown
    for words in ("delete --filter", "stats --data", "jobs list --data"):
        assert f"\n$ otel-vector {words}" in output
    made = re.search(r"^\$ otel-vector backup (\S+) --data", output, re.MULTILINE)[1]
    (backup,) = Path(made).iterdir()
    subprocess.run(
        [OTEL_VECTOR, "backup", "--verify", backup, "--data", data], check=True, timeout=60
    )
    assert re.search(r"would delete [1-9]\d* spans .* of payments", output)
    shards, sealed = (
        int(re.search(rf"^{name} +(\d+)$", output, re.MULTILINE)[1])
        for name in ("shards", "sealed shards")
    )
    assert shards == sealed > 0
    assert {"backup", "import", "seal"} <= set(
        re.findall(r"^[0-9a-f]{16} +(\w+)", output, re.MULTILINE)
    )


def test_a_folder_that_cannot_be_made_ends_the_demo_with_a_sentence(tmp_path):
    data = tmp_path / "data"
    data.write_text("a file where the folder should be")
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "demo.py", "--data", data, "--free-ports"],
        capture_output=True, text=True, timeout=MOST_S, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("demo: ")
    assert "Traceback" not in done.stderr


def test_make_demo_runs_this_program():
    assert shutil.which("make")
    done = subprocess.run(
        ["make", "--dry-run", "demo"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "examples/demo.py" in done.stdout


def recorded_spans():
    """Return how many different spans the recorded traces hold of each service."""
    distinct = {}
    for file in (ROOT / "examples" / "traces").glob("*.otlp.jsonl.gz"):
        for line in gzip.decompress(file.read_bytes()).splitlines():
            for part in json.loads(line).get("resourceSpans", ()):
                attributes = part["resource"]["attributes"]
                service = next(a for a in attributes if a["key"] == "service.name")
                spans = [span for scope in part["scopeSpans"] for span in scope["spans"]]
                ids = distinct.setdefault(service["value"]["stringValue"], set())
                ids |= {(span["traceId"], span["spanId"]) for span in spans}
    return {service: len(ids) for service, ids in distinct.items()}


def asked(data, *arguments):
    done = subprocess.run(
        [OTEL_VECTOR, *arguments, "--data", data], capture_output=True, check=True, timeout=60
    )
    return json.loads(done.stdout)
