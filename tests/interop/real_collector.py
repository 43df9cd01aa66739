"""A real OpenTelemetry Collector, built from our manifest, that runs the configuration we ship."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import httpx
from building import installed, made, run
from real_jaeger import free_port
from support.documents import blocks
from support.sources import ROOT

MANIFEST = ROOT / "collector" / "build" / "manifest.yaml"
SHIPPED = ROOT / "otel-collector-config.yaml"
FAN_OUT = ROOT / "deploy" / "otel-collector" / "fan-out.yaml"
PAGE = ROOT / "docs" / "interop" / "collector.md"
READY = "Everything is ready"
START_S = 60
GENERATE_S = 120


def installed_as_documented(name):
    """Return a program at the version that the page tells readers to install."""
    text = "\n".join(block.text for block in blocks(PAGE) if block.language == "sh")
    ((package, version),) = re.findall(rf"^go install (\S+/{name})@(\S+)$", text, re.MULTILINE)
    return installed(package, version)


def collector_program():
    builder = installed_as_documented("builder")
    manifest = MANIFEST.read_bytes()
    key = hashlib.sha256(manifest + builder.parent.name.encode()).hexdigest()[:12]
    return made("otelcol", key, lambda part: build(builder, part))


def build(builder, part):
    """Run the builder in a folder that holds our manifest where a checkout has it."""
    folder = part.parent / "sources"
    shutil.rmtree(folder, ignore_errors=True)
    manifest = folder / MANIFEST.relative_to(ROOT)
    manifest.parent.mkdir(parents=True)
    shutil.copyfile(MANIFEST, manifest)
    relative = str(manifest.relative_to(folder))
    run(builder, ["--config", relative], folder, GOFLAGS="-buildvcs=false")
    (folder / "otelcol" / "otelcol").replace(part)


class Collector:
    """A running Collector with the shipped configuration, on free ports.

    Args:
        folder: for its queue and its log.
        target: the address it sends to.
        overrides: texts or paths of configurations that are merged over the shipped one.
        base: the configuration, if it is not the shipped one.
        environment: more variables.
    """

    def __init__(self, folder, target, *overrides, base=SHIPPED, **environment):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        ports = {name: free_port() for name in ("grpc", "http", "health", "metrics")}
        self.grpc, self.http, self.health, self.metrics = (
            f"127.0.0.1:{port}" for port in ports.values()
        )
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("OTEL")},
            "OTELCOL_GRPC": self.grpc, "OTELCOL_HTTP": self.http, "OTELCOL_HEALTH": self.health,
            "OTELCOL_METRICS_PORT": str(ports["metrics"]), "OTELCOL_VECTOR": target, **environment,
        }  # fmt: skip
        paths = [base, *map(self._written, range(len(overrides)), overrides)]
        self._configs = [word for path in paths for word in ("--config", str(path))]
        self.process = None

    def start(self):
        """Start it, for the first time or again, and wait until it says that it is ready."""
        said = self.log().count(READY)
        with (self.folder / "collector.log").open("ab") as log:
            self.process = subprocess.Popen(
                [collector_program(), *self._configs], cwd=self.folder, stdout=log, stderr=log,
                env=self._environment,
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.log().count(READY) > said:
                return self
            time.sleep(0.05)
        raise AssertionError(self.log()[-3000:])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """End it as systemd would; it writes what it holds into its queue."""
        self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def log(self):
        path = self.folder / "collector.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def metric(self, name, **labels):
        """Return the sum of a metric of its own over all series with these labels."""
        return sum_of(httpx.get(f"http://{self.metrics}/metrics").text, name, labels)

    def _written(self, number, override):
        if isinstance(override, Path):
            return override
        path = self.folder / f"override-{number}.yaml"
        path.write_text(override)
        return path


def sum_of(page, name, labels):
    """Return the sum of a metric of a Prometheus page over all series with these labels."""
    chosen = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(
        float(line.rpartition(" ")[2])
        for line in page.splitlines()
        if re.match(rf"{name}(_total)?[{{ ]", line) and all(label in line for label in chosen)
    )


def generating(signal_name, address, count, *more, rate=0):
    """Start telemetrygen; it sends `count` traces of two spans each, or log records."""
    # Its SDK drops what it makes faster than it sends, unless it has room for all of it.
    environment = {**os.environ, "OTEL_BSP_MAX_QUEUE_SIZE": "1000000"}
    return subprocess.Popen(
        [installed_as_documented("telemetrygen"), signal_name, "--otlp-endpoint", address,
         "--otlp-insecure", f"--{signal_name}", str(count), "--rate", str(rate), *more],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
    )  # fmt: skip


def generate(signal_name, address, count, *more):
    """Run telemetrygen to its end."""
    with generating(signal_name, address, count, *more) as process:
        printed, _ = process.communicate(timeout=GENERATE_S)
    assert process.returncode == 0, printed[-3000:]
