"""`doctor` names what is wrong and what to do; dead letters can be looked at and tried again."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from typer.testing import CliRunner

from otel_vector.inbox.contract import Envelope
from otel_vector.settings.config import Settings
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.wiring import open_inbox
from otel_vector_collector.cli.main import app

OFF = "otlp_grpc = 'off'\notlp_http = 'off'\njaeger_grpc = 'off'\n"
CLOSED = f"[serve]\n{OFF}api = '127.0.0.1:0'\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, whose settings keep to free ports and use no model."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("OTEL_VECTOR_")]:
        monkeypatch.delenv(name)
    (tmp_path / "otel-vector.toml").write_text(CLOSED + "[embed]\nmodel = 'none'\n")
    return tmp_path


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout


def findings(code):
    answer = json.loads(run("doctor", "--json", code=code))
    assert answer["ok"] == (code == 0)
    return {f["name"]: f["detail"] for f in answer["findings"] if f["ok"] != bool(code)}


def wrong():
    answer = json.loads(run("doctor", "--json", code=1))
    return {f["name"]: f["detail"] for f in answer["findings"] if not f["ok"]}


def put_span(start_ns):
    data = TracesData()
    data.resource_spans.add().scope_spans.add().spans.add(
        trace_id=bytes([1] * 16),
        span_id=bytes([2] * 8),
        name="n",
        start_time_unix_nano=start_ns,
        end_time_unix_nano=start_ns + 5,
    )
    Path("in.pb").write_bytes(data.SerializeToString())
    run("import", "in.pb")


def put_dead_letters(count):
    inbox = open_inbox(Settings(data=Path("otel-vector-data")))
    for _ in range(count):
        body = TracesData().SerializeToString() + b"\x0a\x00"
        inbox.put(
            Envelope(
                Tenant("default"),
                Signal.SPANS,
                "application/x-protobuf",
                "identity",
                time.time_ns(),
                body,
            )
        )
    for delivery in inbox.take(100, 1 << 20, 0):
        inbox.bury(delivery.id, "a fault of ours")
    inbox.close()


def test_a_folder_in_order_is_well():
    put_span(1_700_000_000_000_000_000)
    assert findings(0)["store"] == "opens"
    assert "wrong" not in run("doctor")


def test_a_wrong_setting_is_the_only_finding(folder):
    (folder / "otel-vector.toml").write_text("[serve]\napo = '1'\n")
    assert wrong() == {"settings": wrong()["settings"]}
    assert "did you mean serve.api" in wrong()["settings"]


def test_a_taken_port_is_named_with_the_process_that_has_it(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = CLOSED.replace("127.0.0.1:0", f"127.0.0.1:{port}")
        (folder / "otel-vector.toml").write_text(text)
        detail = wrong()["port serve.api"]
    assert f"127.0.0.1:{port}" in detail
    assert f"process {os.getpid()}" in detail


def test_a_folder_locked_by_a_command_names_its_process():
    hold = (
        "import sys, pathlib\n"
        "from otel_vector_collector.serve.lock import FolderLock\n"
        "lock = FolderLock.acquire(pathlib.Path('otel-vector-data'), 'otel-vector import')\n"
        "print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        detail = wrong()["process"]
        process.kill()
    assert f"otel-vector import (process {process.pid})" in detail


def test_a_span_of_the_future_is_a_clock_that_is_wrong():
    put_span(time.time_ns() + 86_400 * 10**9)
    assert "24 h in the future" in wrong()["clock"]


def test_little_disk_is_told_before_it_is_too_late(folder):
    (folder / "otel-vector.toml").write_text(CLOSED + "[inbox]\nmin_free_bytes = '1000TiB'\n")
    assert "nothing is accepted until there is more" in wrong()["disk"]


def test_requests_that_nobody_stores_are_told(folder):
    inbox = open_inbox(Settings(data=folder / "otel-vector-data"))
    old = time.time_ns() - 3600 * 10**9
    body = b"\x0a\x00"
    inbox.put(
        Envelope(Tenant("default"), Signal.SPANS, "application/x-protobuf", "identity", old, body)
    )
    inbox.close()
    detail = wrong()["inbox"]
    assert "1 requests wait" in detail
    assert "start `otel-vector serve`" in detail


def test_a_store_of_a_newer_version_is_told_and_left_alone(folder):
    put_span(1_700_000_000_000_000_000)
    file = folder / "otel-vector-data" / "store" / "store.json"
    written = json.loads(file.read_bytes())
    (version,) = (key for key in written if "version" in key or "schema" in key)
    file.write_text(json.dumps(written | {version: 999}))
    before = file.read_bytes()
    assert "999" in wrong()["store"]
    assert file.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_told(folder, monkeypatch):
    (folder / "otel-vector.toml").write_text(CLOSED + "data = 'x'\n")
    (folder / "otel-vector.toml").write_text("data = '/proc/self'\n" + CLOSED)
    assert "/proc/self cannot be written" in wrong()["folder"]


def test_dead_letters_are_told_listed_shown_tried_again_and_dropped():
    put_dead_letters(3)
    assert "deadletter list" in wrong()["dead letters"]

    listed = json.loads(run("deadletter", "list", "--json"))
    assert [letter["reason"] for letter in listed] == ["a fault of ours"] * 3
    assert "a fault of ours" in run("deadletter", "list")
    first, second, third = (letter["id"] for letter in listed)
    assert json.loads(run("deadletter", "show", first, "--json"))["body_bytes"] == 2
    assert "signal: spans" in run("deadletter", "show", first)
    assert run("deadletter", "show", first, "--raw") == "\n\x00"

    run("deadletter", "drop", first)
    run("deadletter", "retry", second)
    assert [letter["id"] for letter in json.loads(run("deadletter", "list", "--json"))] == [third]
    for command in ("retry", "drop"):
        run("deadletter", command, first, code=1)
    run("deadletter", "drop", "--all")
    assert json.loads(run("deadletter", "list", "--json")) == []
    run("deadletter", "drop", code=2)
    run("deadletter", "drop", "1", "--all", code=2)


def test_the_rest_of_the_commands_answer_in_this_process_too():
    put_span(1_700_000_000_000_000_000)
    trace_id = "01" * 16
    assert "1 span of 1 service" in run("trace", trace_id)
    assert json.loads(run("trace", trace_id, "--json"))["spans"][0]["name"] == "n"
    assert "name: n" in run("span", f"{trace_id}/{'02' * 8}")
    identity = json.loads(run("search", "--flat", "--json"))["spans"][0]["id"]
    assert identity in run("search", "--flat")
    assert json.loads(run("span", identity, "--json"))["id"] == identity
    assert "spans" in run("stats")
    assert json.loads(run("stats", "--json"))["spans"] == 1
    assert json.loads(run("operations", "--json"))["operations"][0]["name"] == "n"
    assert "n" in run("operations")
    assert run("services", "--json")
    assert run("search", "n")
    assert run("similar", "n", "--json")
    assert "resourceSpans" in run("export")
    run("export", "out.jsonl.gz", "--compress", "gzip")
    assert "0 spans" not in run("import", "out.jsonl.gz", "--json")
    assert "serve.api" in run("config")
    assert json.loads(run("config", "--json"))["embed.model"]["value"] == "none"
    assert "otel-vector" in run("version")
    assert json.loads(run("version", "--json"))["python"]
