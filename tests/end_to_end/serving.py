"""The product as a user runs it: the serving process and single commands, as real processes."""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass

COMMAND = [sys.executable, "-m", "otel_vector_collector.cli"]
FREE = "127.0.0.1:0"


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_VECTOR_", "OTEL_"))}


class Served:
    """One `otel-vector serve` in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"
        flags = ("--otlp-grpc", "--otlp-http", "--jaeger-grpc", "--api")
        self.addresses = [text for flag in flags for text in (flag, FREE)]
        self.process = None
        self.endpoints = {}

    def start(self, *more):
        before = self._pid()
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "serve", "--data", str(self.data), *self.addresses, *more],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=environment(),
            )
        eventually(
            lambda: self.process.poll() is not None or self._pid() not in {None, before}, 30
        )
        assert self.process.poll() is None, self.log()
        self.endpoints = json.loads((self.data / "endpoints.json").read_bytes())

    def stop(self):
        self.process.terminate()
        return self.process.wait(60)

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log(self):
        return (self.folder / "serve.log").read_text("utf-8", "replace")

    @contextmanager
    def tail(self):
        lines = []
        with subprocess.Popen(
            [*COMMAND, "tail", "--data", str(self.data)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            env=environment(),
            text=True,
        ) as process:
            reader = threading.Thread(
                target=lambda: lines.extend(iter(process.stdout.readline, ""))
            )
            reader.start()
            yield lines
            process.kill()
            reader.join()

    def _pid(self):
        try:
            return json.loads((self.data / "endpoints.json").read_bytes())["pid"]
        except (OSError, ValueError):
            return None


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def cli(served, *arguments, check=True, stdin=None):
    """Run one command on a folder."""
    name, *rest = arguments
    group = [name, rest.pop(0)] if name in {"deadletter", "jobs", "keys"} else [name]
    done = subprocess.run(
        [*COMMAND, *group, "--data", str(served.data), *map(str, rest)],
        capture_output=True,
        cwd=served.folder,
        env=environment(),
        input=stdin,
        timeout=180,
        check=False,
    )
    result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert not check or result.code == 0, result.err
    return result


def eventually(is_so, within_s=60.0):
    """Wait until something is so."""
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
