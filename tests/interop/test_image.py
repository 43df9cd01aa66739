"""The image, built and run as the Dockerfile says: not as root, on a root that is read-only."""

import json
import re
import subprocess

import httpx
import pytest
from deploying import image as configuration
from image import Image
from serving import eventually
from support.sources import ROOT

FREE = {f"OTEL_VECTOR_SERVE_{door}": "0.0.0.0:0"
        for door in ("OTLP_GRPC", "OTLP_HTTP", "JAEGER_GRPC", "API")}  # fmt: skip
PAGE = (ROOT / "docs" / "operate" / "containers.md").read_text("utf-8")
KEYS = ("collector", "grafana", "jaeger", "prometheus")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    made = Image(tmp_path_factory.mktemp("image"))
    try:
        yield made.build("build").build("base")
    finally:
        made.end()


class Container:
    """One container's volumes, and what is run in it."""

    def __init__(self, image, target):
        self.image = image
        self.config, _ = configuration(target)
        self.volumes = {"/data": image.volume("/data", f"data-{target}")}
        self.volumes |= {f"/keys/{k}": image.volume(f"/keys/{k}", f"{target}-{k}") for k in KEYS}
        self.process = None

    def run(self, *words):
        command = self._command(words)
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    def start(self, **more):
        words = [*(self.config.get("Entrypoint") or []), *self.config["Cmd"]]
        log = (self.image.folder / "container.log").open("ab")
        with log:
            self.process = subprocess.Popen(self._command(words, **more), stdout=log, stderr=log)

    def is_healthy(self):
        return self.run(*self.config["Healthcheck"]["Test"][1:]).returncode == 0

    def log(self):
        return (self.image.folder / "container.log").read_text("utf-8", "replace")

    def served(self):
        return json.loads((self.volumes["/data"] / "endpoints.json").read_bytes())

    def api(self):
        return f"http://127.0.0.1:{self.served()['api'].rpartition(':')[2]}"

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _command(self, words, **more):
        return self.image.command(words, config=self.config, volumes=self.volumes, **FREE, **more)


@pytest.fixture(scope="module")
def container(built):
    made = Container(built, "runtime")
    yield made
    made.end()


def test_without_a_key_it_does_not_start_and_says_how_to_make_one(container):
    done = container.run("otel-vector", "serve")
    assert done.returncode == 1
    assert "otel-vector keys create" in done.stderr


def test_it_runs_as_its_user_without_privileges_on_a_root_that_is_read_only(container):
    told = container.run(
        "sh", "-c", "id -u; id -g; grep -E '^(CapEff|NoNewPrivs)' /proc/self/status"
    )
    assert re.findall(r"[0-9a-f]+$", told.stdout, re.MULTILINE) == [
        "10317",
        "10317",
        "0" * 16,
        "1",
    ]
    for path in ("/opt/otel-vector/x", "/etc/otel-vector/x", "/usr/local/bin/x"):
        assert "Read-only" in container.run("sh", "-c", f": > {path}").stderr
    assert container.run("sh", "-c", ": > /data/x && rm /data/x && : > /tmp/x").returncode == 0


def test_its_keys_are_made_once_for_each_program(container):
    made = container.run("make-keys", "/keys")
    assert made.returncode == 0, made.stderr
    for name in KEYS:
        file = container.volumes[f"/keys/{name}"] / "key"
        assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (10317, 0o640)
    assert container.run("make-keys", "/keys").stderr.count("left as it is") == len(KEYS)


def test_a_key_that_leaked_gets_a_new_secret_as_the_page_says(container):
    """Fails if the command in docs/operate/containers.md does not do what it is there for."""
    lines = re.findall(
        r"^docker compose run .*--entrypoint otel-vector keys (.*)$", PAGE, re.MULTILINE
    )
    file = container.volumes["/keys/jaeger"] / "key"
    before = file.read_text()
    for line in lines:
        done = container.run("otel-vector", *line.split())
        assert done.returncode == 0, done.stderr
    assert before.split("_")[1] == file.read_text().split("_")[1]
    assert before != file.read_text()
    assert file.stat().st_mode & 0o777 == 0o640


def test_it_serves_is_healthy_and_ends_with_0_when_it_is_told_to_stop(container):
    assert not container.is_healthy()
    container.start()
    eventually(container.is_healthy)
    key = (container.volumes["/keys/prometheus"] / "key").read_text()
    assert httpx.get(f"{container.api()}/metrics").status_code == 401
    metrics = httpx.get(f"{container.api()}/metrics", headers={"authorization": f"Bearer {key}"})
    assert "otel_vector_store_up 1.0" in metrics.text
    container.process.terminate()
    assert container.process.wait(60) == 0, container.log()
    assert not container.is_healthy()


@pytest.mark.slow
def test_for_development_it_starts_again_when_the_source_changes(built):
    """Comes last: it puts the source in the place of the installed package."""
    built.build("dev")
    container = Container(built, "dev")
    container.volumes["/src/otel_vector"] = built.volume("/src/otel_vector", "source")
    assert container.run("make-keys", "/keys").returncode == 0
    container.start()
    try:
        eventually(container.is_healthy)
        before = container.served()["pid"]
        changed = container.volumes["/src/otel_vector"] / "errors.py"
        changed.write_text(changed.read_text() + "\n")
        eventually(lambda: container.is_healthy() and container.served()["pid"] != before)
        container.process.terminate()
        container.process.wait(60)
        assert not (container.volumes["/data"] / "endpoints.json").exists()  # it was not killed
    finally:
        container.end()
