"""docker-compose.yml as it is written: pinned, closed, and naming nothing that does not exist."""

import re
import stat
import subprocess
import tomllib

import pytest
import typer
import yaml
from support.sources import ROOT

from otel_vector.settings.schema import PREFIX, entries
from otel_vector_collector.cli.main import app

TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
BESIDE = [name for name in SERVICES if name not in OURS]
USER = re.search(r"^USER (\d+):", DOCKERFILE, re.MULTILINE)[1]
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY\b|HEADERS")


def environment(name):
    return SERVICES[name].get("environment", {})


def mounts(name):
    """Return a service's mounts: source, target, options."""
    found = (volume.split(":") for volume in SERVICES[name].get("volumes", ()))
    return [(source, target, *options) for source, target, *options in found]


def settings_read_by(name):
    """Return the text of the files that a program reads its variables in."""
    folders = {"grafana": "grafana", "jaeger": "jaeger", "jaeger-memory": "jaeger"}
    if name == "otel-collector":
        files = [ROOT / "otel-collector-config.yaml", ROOT / "deploy/otel-collector/fan-out.yaml"]
    else:
        files = sorted((ROOT / "deploy" / folders[name]).rglob("*.y*ml"))
    return "\n".join(file.read_text("utf-8") for file in files)


@pytest.mark.parametrize("name", BESIDE)
def test_images_of_others_are_pinned_to_a_release(name):
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+(-unprivileged)?", SERVICES[name]["image"])


@pytest.mark.parametrize("name", OURS)
def test_our_image_is_of_this_version(name):
    assert re.fullmatch(rf"otel-vector:{re.escape(VERSION)}(-dev)?", SERVICES[name]["image"])
    assert f'org.opencontainers.image.version="{VERSION}"' in DOCKERFILE
    assert SERVICES[name]["pull_policy"] == "build"  # nobody's image of that name is taken


def test_base_images_are_pinned_to_a_release():
    bases = re.findall(r"^(?:FROM|ARG PYTHON_IMAGE=) ?(\S+)", DOCKERFILE, re.MULTILINE)
    named = {base for base in bases if "$" not in base} - {"base"}
    assert named
    assert all(re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", base) for base in named)


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_tells_whether_it_is_well_or_why_it_cannot(name):
    service = SERVICES[name]
    assert ("healthcheck" in service) != (len(service.get("x-no-healthcheck", "")) > 20)
    if "healthcheck" in service:
        assert service["healthcheck"]["test"][0] == "CMD"  # no shell in between


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_may_do_as_little_as_possible(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert "privileged" not in service
    assert "docker.sock" not in str(service)


def test_ports_are_published_on_loopback_only_and_each_once_a_profile():
    for profile in ("minimal", "full", "dev"):
        chosen = [s for s in SERVICES.values() if profile in s["profiles"]]
        published = [port.rsplit(":", 1)[0] for s in chosen for port in s.get("ports", ())]
        assert published
        assert all(re.fullmatch(r"127\.0\.0\.1:\d+", port) for port in published)
        assert len(set(published)) == len(published)


def test_no_service_uses_the_machines_own_network():
    assert {s.get("network_mode", "none") for s in SERVICES.values()} == {"none"}
    assert COMPOSE["networks"]["store"] == {"internal": True}
    assert SERVICES["qdrant"]["networks"] == ["store"]


def test_no_secret_is_in_the_file_and_none_has_a_default():
    for name in SERVICES:
        for variable, value in environment(name).items():
            if SECRET.search(variable):
                assert re.search(r"\$\{\w+:\?|\$\$\{file:/", value), f"{name}: {variable}"
    assert not re.search(r"ov_[0-9a-f]{12}_", TEXT)
    required = set(re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", TEXT))
    assert {name for name, _ in required} == {"GRAFANA_ADMIN_PASSWORD"}
    assert all(rest.startswith(":?") for _, rest in required)


@pytest.mark.parametrize("name", SERVICES)
def test_each_mounted_file_is_in_this_project_and_each_volume_is_declared(name):
    for source, _, *options in mounts(name):
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert options == ["ro"]
        else:
            assert source in COMPOSE["volumes"]


def test_no_volume_or_network_is_declared_for_nothing():
    used = {source for name in SERVICES for source, *_ in mounts(name)}
    assert set(COMPOSE["volumes"]) <= used
    networks = {network for s in SERVICES.values() for network in s.get("networks", ())}
    assert set(COMPOSE["networks"]) == networks


def test_variables_of_our_services_are_settings():
    known = {entry.variable for entry in entries().values()}
    given = {variable for name in OURS for variable in environment(name)}
    in_image = set(re.findall(rf"\b({PREFIX}\w+)=", DOCKERFILE))
    assert given
    assert in_image
    assert given | in_image <= known


@pytest.mark.parametrize("name", ["otel-collector", "jaeger", "jaeger-memory", "grafana"])
def test_variables_of_others_are_read_by_their_configuration(name):
    read = settings_read_by(name)
    entrypoint = str(SERVICES[name].get("entrypoint", ""))
    own = re.compile(r"GF_[A-Z]+_")
    for variable in environment(name):
        assert variable in read or variable in entrypoint or own.match(variable), variable


def test_grafana_is_given_all_that_its_data_sources_name():
    named = set(re.findall(r"(?<!\$)\$\{(\w+)\}", settings_read_by("grafana")))
    given = {*environment("grafana"), *re.findall(r"export (\w+)", TEXT)}
    assert named <= given


def test_addresses_of_ours_are_doors_that_the_image_opens():
    opened = set(re.findall(r"=0\.0\.0\.0:(\d+)", DOCKERFILE))
    named = set(re.findall(r"\botel-vector:(\d{4,5})\b", TEXT))
    published = {p.rsplit(":", 1)[1] for name in OURS for p in SERVICES[name].get("ports", ())}
    exposed = set(re.search(r"^EXPOSE (.*)$", DOCKERFILE, re.MULTILINE)[1].split())
    assert named <= opened
    assert published == opened == exposed


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_exists_and_can_be_well(name):
    for other, how in SERVICES[name].get("depends_on", {}).items():
        waits_for_health = how["condition"] == "service_healthy"
        assert waits_for_health == ("healthcheck" in SERVICES[other])
        profiles = set(SERVICES[name]["profiles"])
        assert how.get("required") is False or profiles <= set(SERVICES[other]["profiles"])


def test_what_prometheus_scrapes_is_beside_it_on_a_network():
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))
    jobs = config["scrape_configs"]
    targets = [t for job in jobs for one in job["static_configs"] for t in one["targets"]]
    hosts = {target.partition(":")[0] for target in targets} - {"127.0.0.1"}
    assert {"otel-vector", "otel-collector", "jaeger", "qdrant"} <= hosts
    reached = set(SERVICES["prometheus"]["networks"])
    for host in hosts:
        assert reached & set(SERVICES[host]["networks"]), host


def test_each_program_is_given_its_own_key_and_no_other():
    script = (ROOT / "deploy" / "make-keys.sh").read_text("utf-8")
    made = set(re.findall(r"^key (\w+) ", script, re.MULTILINE))
    assert made == {
        target.rpartition("/")[2] for _, target, *_ in mounts("keys") if "/keys/" in target
    }
    readers = {name: [m for m in mounts(name) if m[0].startswith("keys-")] for name in BESIDE}
    given = {name: found for name, found in readers.items() if found}
    assert {f"keys-{name}" for name in made} == {found[0][0] for found in given.values()}
    for name, found in given.items():
        assert found == [(found[0][0], "/run/otel-vector", "ro,nocopy")]
        assert found[0][0].removeprefix("keys-") in name
        assert SERVICES[name]["group_add"] == [USER]


def test_folders_that_new_volumes_take_their_owner_from_are_in_the_image():
    made = " ".join(re.findall(r"install -d (.*)", DOCKERFILE))
    targets = [target for name in OURS for source, target, *_ in mounts(name) if "." not in source]
    assert targets
    assert all(target in made for target in targets)


def test_commands_of_ours_exist():
    known = set(typer.main.get_command(app).commands)
    run = [SERVICES[name].get("healthcheck", {}).get("test", []) for name in OURS]
    named = {words[2] for words in run if words}
    named |= set(re.findall(r'"otel-vector", "(\w+)"', DOCKERFILE))
    assert named == {"health"}
    assert named | {"serve", "keys"} <= known
    assert SERVICES["keys"]["entrypoint"] == ["make-keys"]
    assert "/usr/local/bin/make-keys" in DOCKERFILE


def test_the_password_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    (tmp_path / "deploy").mkdir()
    script = tmp_path / "deploy" / "make-env.sh"
    script.write_bytes((ROOT / "deploy" / "make-env.sh").read_bytes())
    subprocess.run(["sh", script], check=True, capture_output=True)
    made = tmp_path / ".env"
    name, _, password = made.read_text().strip().partition("=")
    assert f"${{{name}:?" in TEXT
    assert re.fullmatch(r"[0-9a-f]{32}", password)
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    before = made.read_bytes()
    again = subprocess.run(["sh", script], check=True, capture_output=True, text=True)
    assert made.read_bytes() == before
    assert "left as it is" in again.stderr
    assert password not in again.stdout + again.stderr


def test_the_image_is_built_from_nothing_but_what_is_named():
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = re.findall(r"^COPY (?:--chmod=\d+ )?((?!--).*) \S+$", DOCKERFILE, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert sources <= let_in
    assert all((ROOT / source).exists() for source in sources)
