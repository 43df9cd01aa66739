"""`serve` under a service manager: it says when it is ready and when it stops, to whoever asks."""

import json
import os
import re
import socket
import subprocess
import sys

import pytest
from serving import COMMAND, Served, cli, environment
from support.sources import ROOT
from typer.main import get_command

from otel_vector.settings.schema import entries
from otel_vector_collector.cli.main import app
from otel_vector_collector.serve.notify import READY, tell_manager

UNIT = (ROOT / "deploy" / "systemd" / "otel-vector.service").read_text("utf-8")
REFUSE_WRITABLE_CODE = (65, 1, 0, 0, 0)  # prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN)
UNDER_REFUSAL = f"""
import ctypes, os, sys
assert ctypes.CDLL(None).prctl{REFUSE_WRITABLE_CODE} == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


class Manager:
    """The other end of a service manager's socket."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(60)

    def told(self):
        return self.socket.recv(4096).decode()


@pytest.fixture
def manager(tmp_path):
    made = Manager(str(tmp_path / "notify"))
    yield made
    made.socket.close()


@pytest.fixture
def served(tmp_path):
    made = Served(tmp_path)
    yield made
    made.end()


def started(served, *before, **variables):
    with (served.folder / "serve.log").open("ab") as log:
        served.process = subprocess.Popen(
            [*before, *COMMAND, "serve", "--data", str(served.data), *served.addresses],
            stdout=log, stderr=log, cwd=served.folder, env={**environment(), **variables},
        )  # fmt: skip


def test_it_says_that_it_is_ready_when_it_is_and_that_it_stops(served, manager):
    started(served, NOTIFY_SOCKET=str(served.folder / "notify"))
    assert manager.told() == "READY=1"
    assert json.loads((served.data / "endpoints.json").read_bytes())["pid"] == served.process.pid
    assert cli(served, "health").code == 0
    served.process.terminate()
    assert manager.told() == "STOPPING=1"
    assert served.process.wait(60) == 0


# systemd may name such a socket, and runs on Linux alone; developers' machines are others, too.
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has sockets without a file")
def test_a_socket_of_the_abstract_namespace_is_known():
    name = f"otel-vector-test-{os.getpid()}"
    manager = Manager(f"\0{name}")
    try:
        tell_manager(READY, {"NOTIFY_SOCKET": f"@{name}"})
        assert manager.told() == "READY=1"
    finally:
        manager.socket.close()


def test_a_manager_that_is_gone_is_told_of_in_the_log_and_hinders_nothing(tmp_path, caplog):
    tell_manager(READY, {"NOTIFY_SOCKET": str(tmp_path / "gone")})
    assert "cannot be told READY=1" in caplog.text


def test_it_runs_where_memory_is_never_both_writable_and_executable(served, manager):
    """As `MemoryDenyWriteExecute` of the unit has it."""
    probe = [sys.executable, "-c", UNDER_REFUSAL, "/bin/true"]
    if subprocess.run(probe, check=False, capture_output=True).returncode:
        # Without the kernel's refusal nothing would show that it is not needed.
        pytest.skip("this kernel cannot refuse it to a process by itself; Linux 6.3 can")
    started(served, sys.executable, "-c", UNDER_REFUSAL,
            NOTIFY_SOCKET=str(served.folder / "notify"))  # fmt: skip
    assert manager.told() == "READY=1"
    traces = ROOT / "examples" / "traces" / "llm-agents.otlp.jsonl.gz"
    assert cli(served, "import", traces).code == 0
    assert cli(served, "search", "weather forecast", "--json").json["groups"]
    served.process.terminate()
    assert served.process.wait(60) == 0


def test_the_unit_names_a_command_and_variables_that_exist():
    (command,) = re.findall(r"^ExecStart=\S+/otel-vector (\S+)$", UNIT, re.MULTILINE)
    assert command in get_command(app).commands
    named = set(re.findall(r"^Environment=(\w+)=", UNIT, re.MULTILINE))
    assert named <= {entry.variable for entry in entries().values()}


def test_the_page_shows_the_unit_as_it_is_installed():
    page = (ROOT / "docs" / "operate" / "run.md").read_text("utf-8")
    for path in ("deploy/systemd/otel-vector.service", "/etc/otel-vector", "/var/lib/otel-vector"):
        assert path in page
    (stop_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert float(stop_s) > 2 * entries()["serve.drain_s"].default
