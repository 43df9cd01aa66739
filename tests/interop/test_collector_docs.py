"""What docs/interop/collector.md shows is run, and what it names is there."""

import os
import re
import subprocess
import time

import httpx
import pytest
from collecting import Pinned, both, landed
from real_collector import (
    FAN_OUT,
    MANIFEST,
    PAGE,
    SHIPPED,
    START_S,
    Collector,
    collector_program,
    generate,
    installed_as_documented,
)
from real_jaeger import free_port
from serving import cli, eventually
from support.certificates import issued
from support.documents import blocks
from support.sources import ROOT

TEXT = PAGE.read_text("utf-8")
YAML = [block.text for block in blocks(PAGE) if block.language == "yaml"]
COMMANDS = [
    line
    for block in blocks(PAGE)
    if block.language == "sh"
    for line in block.text.replace("\\\n", " ").splitlines()
]
YOURS = """
receivers:
  otlp:
    protocols: {grpc: {endpoint: "${env:OTELCOL_GRPC}"}, http: {endpoint: "${env:OTELCOL_HTTP}"}}
exporters: {debug: }
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [debug]}
    logs: {receivers: [otlp], exporters: [debug]}
  telemetry: {metrics: {level: none}}
"""
TRACES = 100
# There from the first failure on; the tests of refusals and of the queue read them.
OF_FAILURES = {"otelcol_exporter_send_failed_spans", "otelcol_exporter_enqueue_failed_spans"}


def snippet(start):
    (found,) = [text for text in YAML if start in text]
    return found


@pytest.fixture
def store(tmp_path):
    running = Pinned(tmp_path / "store").start()
    yield running
    running.end()


@pytest.fixture
def yours(tmp_path):
    path = tmp_path / "yours.yaml"
    path.write_text(YOURS)
    return path


def test_the_exporter_that_is_shown_is_all_that_another_configuration_needs(
    store, yours, tmp_path
):
    added = snippet("otlp_grpc/vector").replace("127.0.0.1:4317", store.endpoints["otlp_grpc"])
    added = added.replace("/var/lib/otelcol/file_storage", str(tmp_path / "queue"))
    collector = Collector(tmp_path / "collector", "", added, base=yours).start()
    try:
        generate("traces", collector.grpc, TRACES)
        generate("logs", collector.grpc, TRACES)
        landed(store, spans=2 * TRACES, logs=TRACES)
    finally:
        collector.end()


def test_the_exporter_over_http_that_is_shown_works(store, yours, tmp_path):
    added = snippet("otlp_http/vector").replace("127.0.0.1:4318", store.endpoints["otlp_http"])
    collector = Collector(tmp_path / "collector", "", added, base=yours).start()
    try:
        generate("traces", collector.grpc, TRACES)
        landed(store, spans=2 * TRACES)
    finally:
        collector.end()


def test_the_transport_security_that_is_shown_works(tmp_path):
    authority = issued(tmp_path / "tls")
    store = Pinned(
        tmp_path / "store", tls__cert=authority.config.cert, tls__key=authority.config.key
    )
    try:
        store.start()
        added = snippet("insecure: false").replace("/etc/otelcol/vector-ca.pem", str(authority.ca))
        target = store.endpoints["otlp_grpc"].replace("127.0.0.1", "localhost")
        collector = Collector(tmp_path / "collector", target, added).start()
        try:
            generate("traces", collector.grpc, TRACES)
            eventually(lambda: cli(store, "stats", "--json").json["spans"] == 2 * TRACES)
        finally:
            collector.end()
    finally:
        store.end()


@pytest.mark.parametrize("command", [c for c in COMMANDS if "otelcol --config" in c])
def test_every_way_to_start_it_that_is_shown_starts(command, tmp_path):
    (tmp_path / "headers").write_text("{x-api-key: ov_1_2}")
    (tmp_path / "key").write_text("ov_1_2")
    for name in ("otel-collector-config.yaml", "deploy"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "otelcol").symlink_to(collector_program())
    free = {name: f"127.0.0.1:{free_port()}" for name in ("GRPC", "HTTP", "HEALTH", "VECTOR")}
    environment = {
        **{f"OTELCOL_{name}": address for name, address in free.items()},
        "OTELCOL_METRICS_PORT": str(free_port()),
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", f"exec env {command.replace('/run/secrets', str(tmp_path))}"],
            cwd=tmp_path, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_until_healthy(process, free["HEALTH"], tmp_path / "log")
    finally:
        process.kill()
        process.wait()


def wait_until_healthy(process, address, log):
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"http://{address}/").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(log.read_text()[-3000:])


def test_the_load_that_is_shown_arrives(tmp_path):
    shown = [command for command in COMMANDS if command.startswith("telemetrygen")]
    with both(tmp_path) as (store, collector):
        for command in shown:
            _, *words = command.replace("127.0.0.1:14317", collector.grpc).split()
            program = installed_as_documented("telemetrygen")
            subprocess.run([program, *words], check=True, capture_output=True, timeout=120)
        landed(store, spans=2_000, logs=1_000)
        assert "telemetrygen" in cli(store, "services").out


def test_it_says_to_install_what_the_manifest_is_of():
    (builder,) = [c for c in COMMANDS if "cmd/builder@" in c]
    (build,) = [c for c in COMMANDS if c.startswith("builder ")]
    manifest = MANIFEST.read_text()
    assert builder in manifest
    assert build in manifest
    version = builder.rpartition("@v")[2]
    assert set(re.findall(r"v0\.\d+\.\d+", manifest)) == {f"v{version}"}
    assert f"version: {version}\n" in manifest


def test_its_table_has_every_variable_with_its_default():
    used = SHIPPED.read_text() + FAN_OUT.read_text()
    defaults = dict(re.findall(r"\$\{env:(\w+)(?::-([^}]*))?\}", used))
    rows = re.findall(r"^\| `(OTELCOL_\w+)` \| (?:`([^`]*)`|none) \|", TEXT, re.MULTILINE)
    assert dict(rows) == defaults
    assert len(rows) == len(defaults)


def test_its_settings_are_those_of_the_file():
    file = SHIPPED.read_text()
    for setting in ("max_elapsed_time: 0s", "storage: file_storage", "sizer: bytes", "timeout: 30s",
                    "max_size: 33554432", "recreate: true"):  # fmt: skip
        assert setting in TEXT
        assert setting in file


def test_the_names_of_older_releases_still_run_the_file(tmp_path):
    older = tmp_path / "older.yaml"
    older.write_text(SHIPPED.read_text().replace("otlp_grpc", "otlp"))
    done = subprocess.run(
        [collector_program(), "validate", "--config", older], cwd=tmp_path, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_metrics_that_are_named_are_there(tmp_path):
    named = set(re.findall(r"`(otelcol_\w+)`", TEXT))
    with both(tmp_path) as (store, collector):
        generate("traces", collector.grpc, TRACES)
        landed(store, spans=2 * TRACES)
        page = httpx.get(f"http://{collector.metrics}/metrics").text
    assert named > OF_FAILURES
    assert named - OF_FAILURES <= set(re.findall(r"^# TYPE (\w+)", page, re.MULTILINE))
