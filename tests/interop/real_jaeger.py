"""A real Jaeger v2 whose storage we are: built, configured as the page in docs says, asked."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from building import HERE, built, ended, module_folder

MODULE = HERE / "jaeger"
SOURCE = "github.com/jaegertracing/jaeger"
START_S = 60
# What Jaeger's own suite talks to has fixed addresses.
SUITE_PORTS = (4317, 4318, 16685, 16686, 13133, 8888)


def jaeger_program():
    return built("jaeger", MODULE, "build", "-o", "{output}", f"{SOURCE}/cmd/jaeger")


def suite_program():
    package = f"{SOURCE}/cmd/jaeger/internal/integration"
    return built("jaeger-certification", MODULE, "test", "-c", "-o", "{output}", package)


def source_folder():
    return module_folder(MODULE, SOURCE)


def suite_tree(folder):
    """Lay out what the suite looks for around its working directory, and return that."""
    home = folder / "cmd" / "jaeger"
    inside = home / "internal" / "integration"
    inside.mkdir(parents=True)
    for name in ("config-remote-storage.yaml", "config-ui.json"):
        shutil.copyfile(source_folder() / "cmd" / "jaeger" / name, home / name)
    (home / "jaeger").symlink_to(jaeger_program())
    return inside


def require_free(ports):
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:  # compiled into the suite; another program's is not to be stopped
                pytest.skip(f"port {port} is taken, and Jaeger's suite can use no other")


class Jaeger:
    """A running Jaeger; its pipeline takes OTLP and writes to our store, its queries read there."""

    def __init__(self, folder, configs, flags=(), **environment):
        self.log = folder / "jaeger.log"
        self.ports = {name: free_port() for name in ("otlp", "http", "grpc", "health", "metrics")}
        arguments = list(flags)
        for number, config in enumerate(configs):
            path = folder / f"jaeger-{number}.yaml"
            path.write_text(config)
            arguments += ["--config", path]
        filled = {f"{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [jaeger_program(), *arguments], cwd=folder, stdout=log, stderr=log,
                env={**filled, **environment, "OTEL_TRACES_SAMPLER": "always_off"},
            )  # fmt: skip
        self.url = f"http://127.0.0.1:{self.ports['http']}"
        self._wait()

    @property
    def otlp(self):
        return f"127.0.0.1:{self.ports['otlp']}"

    def get(self, path, headers=None, **parameters):
        return httpx.get(f"{self.url}{path}", params=parameters, headers=headers, timeout=30)

    def stop(self):
        ended(self.process)

    def _wait(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.get("/api/services").status_code < 500:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError(self.log.read_text(errors="replace")[-3000:])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configs_in_docs():
    """Return the Jaeger configurations that the page shows: the basic one, then that with keys."""
    page = Path(__file__).parents[2] / "docs" / "interop" / "jaeger.md"
    blocks = [block.partition("```")[0] for block in page.read_text().split("```yaml\n")[1:]]
    return [block for block in blocks if "jaeger_query" in block]
