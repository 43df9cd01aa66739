"""Programs as a page says to run them: one block of it is what one terminal does."""

import contextlib
import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from serving import cli, eventually
from support.applications import PATIENT
from support.documents import blocks
from support.sources import ROOT

README = ROOT / "examples" / "README.md"
BIN = Path(sys.executable).parent
START_S = 60
STOP_S = 60
STORED_S = 180
STATUS_ERROR = 2
INTERNAL, SERVER, CLIENT = 1, 2, 3


def terminals(section, page=README, language="sh"):
    """Return the text of each shell block below a heading of a page, in order."""
    text = page.read_text("utf-8")
    begin = line_of(text, text.index(f"\n## {section}\n") + 1)
    later = [line_of(text, m.start()) for m in re.finditer(r"^## ", text, re.MULTILINE)]
    end = next((line for line in later if line > begin), math.inf)
    found = [b.text for b in blocks(page) if b.language == language and begin < b.line < end]
    assert found, f"{page} shows no {language} for {section}"
    return found


def line_of(text, at):
    return text.count("\n", 0, at) + 1


@dataclass(frozen=True)
class Stored:
    """A span as it is stored."""

    service: str
    scope: str
    name: str
    kind: int
    is_error: bool
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict

    @property
    def inputs(self):
        """The arguments that were captured."""
        return json.loads(self.attributes["input.value"])


def exported(served, signal="traces"):
    """Yield resource attributes, scope and item of everything of a signal that is stored."""
    groups, scopes, items = NAMES[signal]
    for line in cli(served, "export", "--signal", signal).out.splitlines():
        for resource in json.loads(line)[groups]:
            about = plain(resource["resource"].get("attributes", ()))
            for scope in resource[scopes]:
                for item in scope[items]:
                    yield about, scope["scope"].get("name", ""), item


NAMES = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
}


def stored(served):
    """Return every span that is stored, by its start."""
    found = sorted(exported(served), key=lambda entry: int(entry[2]["startTimeUnixNano"]))
    return [
        Stored(
            service=about["service.name"],
            scope=scope,
            name=span["name"],
            kind=span["kind"],
            is_error=span.get("status", {}).get("code") == STATUS_ERROR,
            trace_id=span["traceId"],
            span_id=span["spanId"],
            parent_id=span.get("parentSpanId", ""),
            attributes=plain(span.get("attributes", ())),
        )
        for about, scope, span in found
    ]


def plain(entries):
    """Return OTLP attributes as plain values."""
    return {entry["key"]: plain_value(entry["value"]) for entry in entries}


def plain_value(value):
    ((kind, held),) = value.items()
    if kind == "arrayValue":
        return [plain_value(entry) for entry in held.get("values", ())]
    return int(held) if kind == "intValue" else held


def asked(served, route):
    """Return what the API answers to a GET."""
    answer = httpx.get(f"http://{served.endpoints['api']}{route}", trust_env=False)
    return answer.raise_for_status().json()


def settled(served, spans):
    """Wait until at least so many spans are stored, and nothing waits to be."""

    def is_so():
        stats = cli(served, "stats", "--json").json
        return stats["spans"] >= spans and not stats["inbox"]["pending"]

    eventually(is_so, within_s=STORED_S)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Workplace:
    """A folder with the examples in it, and terminals that send to one collector.

    Args:
        folder: an empty one; the working directory of every terminal.
        served: the collector, see `serving.Served`.
    """

    def __init__(self, folder, served):
        self.folder = folder
        self.served = served
        self.ports = {}
        (folder / "examples").symlink_to(ROOT / "examples")
        (folder / "otel-vector-data").symlink_to(served.data)

    def environment(self, **more):
        """Return a clean environment in which our commands come first and spans go there."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL", "OPENAI"))}
        return {
            **kept,
            "PATH": f"{BIN}{os.pathsep}{kept.get('PATH', '')}",
            "XDG_STATE_HOME": str(self.folder / "state"),
            "OTEL_VECTOR_EXPORTER_ENDPOINT": f"http://{self.served.endpoints['otlp_grpc']}",
            **PATIENT,
            **more,
        }

    def own_port(self, port):
        """Use a free port wherever commands name this one; return it."""
        self.ports[str(port)] = str(free_port())
        return int(self.ports[str(port)])

    def said(self, command):
        """Return a command as it is run here, with the ports that are free."""
        for port, own in self.ports.items():
            command = re.sub(rf"\b{port}\b", own, command)
        return command

    def run(self, command, **more):
        """Run what a terminal does to its end; return what it printed."""
        # The pages ask by curl, which a machine need not have; nothing else here needs it.
        if "curl " in command and shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        done = subprocess.run(
            ["bash", "-euc", self.said(command)],
            cwd=self.folder,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def running(self, command, port, **more):
        """Run a service while the context is open, then stop it as Ctrl-C does; yield its process."""
        log = self.folder / f"{port}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                ["bash", "-euc", self.said(command)],
                cwd=self.folder,
                env=self.environment(**more),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            self.wait_until_open(port, process, log)
            yield process
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(STOP_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def wait_until_open(self, port, process, log):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.05)
        raise AssertionError(f"it did not start: {log.read_text()}")
