"""`otel-vector migrate` moves a data folder's store into another folder."""

import json
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "traces" / "llm-agents.otlp.jsonl.gz"
PROGRAM = "from otel_vector_collector.cli.main import main; main()"


def run(*arguments, status=0):
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout if not status else done.stderr


def test_a_moved_store_answers_as_before_and_is_compared(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    run("import", EXAMPLE, "--data", old)
    moved = json.loads(run("migrate", "--data", old, "--to", new, "--json"))
    here = json.loads(run("stats", "--data", old, "--json"))
    there = json.loads(run("stats", "--data", new, "--json"))
    assert moved["written"] == here["spans"] == there["spans"] > 0
    assert moved["vectors"] == here["meanings"]["total"] == there["meanings"]["total"]
    assert there["meanings"]["pending"] == 0
    assert all(p["content"] == p["found_content"] for p in moved["partitions"])
    again = run("migrate", "--data", old, "--to", new)
    assert "written now: 0 items" in again
    question = ("search", "which tool was called", "--json", "--data")
    first, second = (json.loads(run(*question, folder))["groups"][0] for folder in (old, new))
    assert first["meaning"] == second["meaning"]
    assert first["spans"]["count"] == second["spans"]["count"] > 0


def test_a_folder_is_not_moved_into_itself(tmp_path):
    run("import", EXAMPLE, "--data", tmp_path)
    assert "is the data folder itself" in run(
        "migrate", "--data", tmp_path, "--to", tmp_path, status=1
    )
