"""What docker-compose.yml wires, with the real programs on this machine.

The keys are made by the script that makes them there. Each program is given the configuration and
the environment that it has there, but for the addresses and paths of this machine.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml
from real_collector import FAN_OUT, Collector, generate
from real_jaeger import Jaeger
from serving import Served, eventually
from support.sources import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
NAMES = ("collector", "grafana", "jaeger", "prometheus")
KEY_FILE = "/run/otel-vector/key"
TRACES = 50
OURS = "--otlp-grpc 0.0.0.0:0 --otlp-http 0.0.0.0:0 --jaeger-grpc 0.0.0.0:0 --api 0.0.0.0:0"


def environment_of(service, places):
    """Return what a service is given there, with texts of this machine in place of some."""
    given = {}
    for name, value in COMPOSE["services"][service]["environment"].items():
        text = str(value).replace("$$", "$")
        for there, here in places.items():
            text = text.replace(there, here)
        given[name] = text
    return given


def made_keys(data, folder):
    """Run the one-shot service's command."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", ROOT / "deploy" / "make-keys.sh", folder], capture_output=True, text=True,
        env={"PATH": path, "OTEL_VECTOR_DATA": str(data), "HOME": str(folder)}, cwd=folder,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


class Chain:
    """Ours with keys, a Jaeger on it, a Jaeger with its own memory, a Collector before them."""

    def __init__(self, folder):
        self.folder = folder
        self.store = Served(folder / "store")
        self.started = []
        self.store.folder.mkdir()
        self.store.addresses = OURS.split()
        for name in NAMES:
            (folder / name).mkdir()

    def start(self):
        made_keys(self.store.data, self.folder)
        self.store.start()
        self.memory = self._jaeger("jaeger-memory", "memory.yaml", {})
        self.jaeger = self._jaeger("jaeger", "config.yaml", self._own("jaeger", "jaeger_grpc"))
        places = self._own("collector", "otlp_grpc") | {"jaeger-memory:4317": self.memory.otlp}
        given = environment_of("otel-collector", places)
        on_free_ports = {"OTELCOL_GRPC", "OTELCOL_HTTP", "OTELCOL_METRICS_HOST", "OTELCOL_QUEUE"}
        rest = {name: value for name, value in given.items() if name not in on_free_ports}
        target = rest.pop("OTELCOL_VECTOR")
        self.collector = Collector(self.folder / "collector", target, FAN_OUT, **rest).start()
        self.started.append(self.collector.stop)
        return self

    def end(self):
        for stop in reversed(self.started):
            stop()
        self.store.end()

    def place(self, door):
        return f"127.0.0.1:{self.store.endpoints[door].rpartition(':')[2]}"

    def key(self, name):
        return (self.folder / name / "key").read_text()

    def ask(self, path, **headers):
        return httpx.get(f"http://{self.place('api')}{path}", headers=headers, timeout=30)

    def _own(self, name, door):
        port = {"otlp_grpc": 4317, "jaeger_grpc": 17271}[door]
        file = str(self.folder / name / "key")
        return {f"otel-vector:{port}": self.place(door), KEY_FILE: file}

    def _jaeger(self, service, config, places):
        folder = self.folder / f"{service}-program"
        folder.mkdir()
        pages = str(ROOT / "deploy" / "jaeger")
        given = environment_of(service, {"/etc/jaeger": pages, "0.0.0.0": "127.0.0.1", **places})
        made = Jaeger(folder, [(ROOT / "deploy" / "jaeger" / config).read_text()], **given)
        self.started.append(made.stop)
        return made


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    made = Chain(tmp_path_factory.mktemp("chain"))
    try:
        yield made.start()
    finally:
        made.end()


@pytest.fixture(scope="module")
def sent(chain):
    """Send traces to the Collector, as applications do, without a key."""
    generate("traces", chain.collector.grpc, TRACES, "--service", "generated")
    return TRACES


def traces_in(jaeger):
    window = {"start": (time.time_ns() - 3600 * 10**9) // 1000, "end": time.time_ns() // 1000}
    answer = jaeger.get("/api/traces", service="generated", limit=1000, **window)
    assert answer.status_code == 200, answer.text
    return {trace["traceID"]: len(trace["spans"]) for trace in answer.json()["data"]}


def test_what_applications_send_is_in_our_store_and_in_both_jaegers(chain, sent):
    eventually(lambda: len(traces_in(chain.jaeger)) == sent)
    eventually(lambda: traces_in(chain.memory) == traces_in(chain.jaeger))
    assert set(traces_in(chain.jaeger).values()) == {2}


def test_a_jaeger_that_is_sent_spans_itself_writes_them_with_its_key(chain):
    generate("traces", chain.jaeger.otlp, 5, "--service", "direct")
    answer = lambda: chain.jaeger.get("/api/services").json()["data"]  # noqa: E731
    eventually(lambda: "direct" in answer())
    assert "direct" not in chain.memory.get("/api/services").json()["data"]


def test_what_compose_asks_whether_jaeger_is_well_is_answered(chain):
    for service, jaeger in (("jaeger", chain.jaeger), ("jaeger-memory", chain.memory)):
        url = COMPOSE["services"][service]["healthcheck"]["test"][-1]
        here = url.replace(":13133/", f":{jaeger.ports['health']}/")
        assert httpx.get(here).status_code == 200


def test_nobody_is_answered_without_a_key(chain):
    assert chain.ask("/v1/stats").status_code == 401
    assert chain.ask("/metrics").status_code == 401
    assert chain.ask("/health").status_code == 200


@pytest.mark.parametrize(
    ("name", "path", "status"),
    [
        ("grafana", "/jaeger/api/services", 200), ("grafana", "/tempo/api/echo", 200),
        ("grafana", "/v1/services", 200), ("grafana", "/metrics", 403),
        ("prometheus", "/metrics", 200), ("collector", "/v1/services", 403),
        ("jaeger", "/v1/services", 200), ("jaeger", "/metrics", 403),
    ],
)  # fmt: skip
def test_each_key_may_do_what_its_program_needs_and_no_more(chain, name, path, status):
    assert chain.ask(path, authorization=f"Bearer {chain.key(name)}").status_code == status


def test_every_start_may_make_the_keys_again(chain):
    before = [chain.key(name) for name in NAMES]
    assert made_keys(chain.store.data, chain.folder).count("left as it is") == len(NAMES)
    assert [chain.key(name) for name in NAMES] == before


def test_keys_are_in_no_log(chain, sent):
    logs = [file.read_text("utf-8", "replace") for file in chain.folder.rglob("*.log")]
    assert len(logs) == 4
    for name in NAMES:
        secret = chain.key(name).rpartition("_")[2]
        assert not any(secret in log for log in logs)


def test_it_stops_when_told_to(chain, sent):
    """Comes last: fails if a stop with all of them connected takes longer than they are given."""
    assert chain.store.stop() == 0
