"""Applications that export, and the collector that they export to, all as real processes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

PATIENCE_S = 60
PATIENT = {"OTEL_VECTOR_EXPORTER_SHUTDOWN_S": "30"}
"""How long a program's end may wait for its collector, which is slow on a machine that is busy with
other tests. What it leaves on disk waits for a next program, and most tests have none."""


def eventually(is_so: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    return {**kept, "OTEL_TRACES_SAMPLER": "always_on", **more}


class Collector:
    """A collector that has the same addresses and the same data whenever it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.grpc = f"127.0.0.1:{free_port()}"
        self.http = f"127.0.0.1:{free_port()}"
        self.process: subprocess.Popen[bytes] | None = None
        self._api = ""

    def start(self) -> None:
        """Start it and wait until it serves."""
        self.folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "otel_vector_collector.cli", "serve"]
        addresses = ["--otlp-grpc", self.grpc, "--otlp-http", self.http, "--api", "127.0.0.1:0"]
        addresses += ["--jaeger-grpc", "off"]
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data", self.folder / "data", *addresses],
                cwd=self.folder, env=environment(), stdout=log, stderr=log,
            )  # fmt: skip
        eventually(self._serves)

    def kill(self) -> None:
        """End all its processes at once."""
        if self.process is not None:
            doors = psutil.Process(self.process.pid).children(recursive=True)
            for process in (*doors, self.process):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self.process.wait()
            psutil.wait_procs(doors, 10)
            self.process = None

    def stored(self, service: str) -> Counter[str]:
        """Count the spans of a service by name; none is stored twice."""
        ids: Counter[bytes] = Counter()
        names: Counter[str] = Counter()
        for resource in self._exported(f"service:{service}").resource_spans:
            for scope in resource.scope_spans:
                names.update(span.name for span in scope.spans)
                ids.update(span.trace_id + span.span_id for span in scope.spans)
        assert all(times == 1 for times in ids.values()), "a span is stored twice"
        return names

    def count(self, service: str) -> int:
        """Return how many spans of a service are stored."""
        return self.stored(service).total()

    def holds(self, service: str, expected: Counter[str], within_s: float = PATIENCE_S) -> None:
        """Wait until exactly these spans of a service are stored, and all else is settled."""
        deadline = time.monotonic() + within_s
        while (found := self.stored(service)) != expected or self._busy():
            assert time.monotonic() < deadline, (
                f"missing {_some(expected - found)}, too many {_some(found - expected)}"
            )
            time.sleep(0.1)

    def _busy(self) -> bool:
        return bool(self._get("/v1/stats").json()["inbox"]["pending"])

    def _get(self, path: str) -> httpx.Response:
        with httpx.Client(base_url=self._api, trust_env=False, timeout=PATIENCE_S) as client:
            return client.get(path).raise_for_status()

    def _exported(self, asked: str) -> TracesData:
        data = TracesData()
        with httpx.Client(base_url=self._api, trust_env=False, timeout=PATIENCE_S) as client:
            answer = client.post(
                "/v1/export",
                json={"filter": asked, "runs": ["all"]},
                headers={"accept": "application/x-protobuf"},
            ).raise_for_status()
        at = 0
        while at < len(answer.content):
            size = int.from_bytes(answer.content[at : at + 4], "big")
            data.MergeFromString(answer.content[at + 4 : at + 4 + size])
            at += 4 + size
        return data

    def _serves(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "serve.log").read_text()
        try:
            found = json.loads((self.folder / "data" / "endpoints.json").read_bytes())
        except (OSError, ValueError):
            return False
        self._api = f"http://{found['api']}"
        return bool(found["pid"] == self.process.pid)


@contextmanager
def collecting(folder: Path) -> Iterator[Collector]:
    """Run a collector until the block ends."""
    collector = Collector(folder)
    try:
        collector.start()
        yield collector
    finally:
        collector.kill()


@dataclass
class Ended:
    """How an application ended."""

    code: int
    out: str
    err: str
    seconds: float


class Application:
    """One program that exports, with a spool of its own; it may run many times.

    Args:
        program: its file.
        folder: where the spool and everything else of it goes.
        collector: where it exports to, host and port of gRPC.
        service: its name.
    """

    def __init__(
        self, program: Path, folder: Path, collector: str, service: str, **settings: str
    ) -> None:
        self.program = program
        self.folder = folder
        self.spool = folder / "spool"
        self.service = re.sub(r"\W+", "-", service)
        folder.mkdir(parents=True, exist_ok=True)
        # Of its own, and short: a fork server makes a socket in it.
        temporary = tempfile.mkdtemp(prefix="ov-")
        weakref.finalize(self, shutil.rmtree, temporary, ignore_errors=True)
        self.environment = environment(
            HOME=str(folder),
            TMPDIR=temporary,
            OTEL_SERVICE_NAME=self.service,
            OTEL_VECTOR_EXPORTER_ENDPOINT=f"http://{collector}",
            OTEL_VECTOR_EXPORTER_SPOOL=str(self.spool),
            PYTHONWARNINGS="error,ignore::DeprecationWarning",
            **{**PATIENT, **settings},
        )

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        """Start it; what it prints is read by the caller."""
        return subprocess.Popen(
            [sys.executable, self.program, *arguments],
            cwd=self.folder,
            env={**self.environment, **settings},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip

    def point_to(self, collector: str) -> None:
        """Export to another collector from now on, over gRPC, with the same spool."""
        self.environment["OTEL_VECTOR_EXPORTER_ENDPOINT"] = f"http://{collector}"
        self.environment["OTEL_VECTOR_EXPORTER_PROTOCOL"] = "grpc"

    def run(self, *arguments: str, within_s: float = PATIENCE_S, **settings: str) -> Ended:
        """Run it to its end, which must come in time."""
        began = time.monotonic()
        with self.start(*arguments, **settings) as process:
            try:
                out, err = process.communicate(timeout=within_s)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"it hangs\n{_stacks(process)}") from None
        return Ended(process.returncode, out, err, time.monotonic() - began)


def _some(counted: Counter[str]) -> str:
    return f"{counted.total()}: {sorted(counted)[:5]}"


def _stacks(process: subprocess.Popen[str]) -> str:
    """End a program and its children; return what each of their threads was doing."""
    os.killpg(process.pid, signal.SIGUSR1)  # `emitting` has a handler for it
    time.sleep(1)
    os.killpg(process.pid, signal.SIGKILL)
    return "\n".join(process.communicate())


def names(**made: int) -> Counter[str]:
    """Return the names of so many spans of each maker, as `emitting.emit` gives them."""
    return Counter(f"{who}-{i}" for who, n in made.items() for i in range(n))
