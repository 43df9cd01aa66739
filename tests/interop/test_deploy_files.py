"""docker-compose.yml and Dockerfile, read by the libraries of docker compose and of BuildKit."""

import json
import shutil

import pytest
from deploying import PASSWORD, asked, image, project
from support.documents import blocks
from support.sources import ROOT

PAGE = ROOT / "docs" / "operate" / "containers.md"
BESIDE = {"grafana", "jaeger", "jaeger-memory", "keys", "otel-collector", "prometheus"}
PROFILES = {
    "minimal": {"keys", "otel-vector-minimal"},
    "full": BESIDE | {"otel-vector", "qdrant"},
    "dev": BESIDE | {"otel-vector-dev"},
}


@pytest.mark.parametrize("profile", PROFILES)
def test_compose_loads_each_profile_with_what_it_is_to_start(profile):
    services = project(profile)["services"]
    assert set(services) == PROFILES[profile]
    for service in services.values():
        needed = (service.get("depends_on") or {}).items()
        assert {name for name, how in needed if how["required"]} <= set(services)


def test_compose_knows_the_options_that_matter(tmp_path):
    services = project("full")["services"]
    ours = services["otel-vector"]
    assert ours["stop_grace_period"] == "1m0s"
    assert ours["read_only"] is True
    assert {port["host_ip"] for port in ours["ports"]} == {"127.0.0.1"}
    key = next(v for v in services["jaeger"]["volumes"] if v["target"] == "/run/otel-vector")
    assert (key["read_only"], key["volume"]["nocopy"]) == (True, True)
    assert services["jaeger"]["environment"]["JAEGER_STORE_KEY"] == "${file:/run/otel-vector/key}"
    assert services["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"] == "of-a-test"


@pytest.mark.parametrize("profile", PROFILES)
def test_without_a_password_compose_says_how_to_make_one(profile, tmp_path):
    shutil.copyfile(ROOT / "docker-compose.yml", tmp_path / "docker-compose.yml")
    refused = asked("compose", tmp_path, profile)
    assert refused.returncode == 1
    assert "GRAFANA_ADMIN_PASSWORD" in refused.stderr
    assert "sh deploy/make-env.sh" in refused.stderr
    (tmp_path / ".env").write_text("GRAFANA_ADMIN_PASSWORD=made\n")
    assert asked("compose", tmp_path, profile).returncode == 0


@pytest.mark.parametrize("target", ["runtime", "dev"])
def test_buildkit_builds_each_target_and_warns_of_nothing(target):
    config, warnings = image(target)
    assert warnings == []
    user, _, group = config["User"].partition(":")
    assert user == group
    assert int(user) > 0
    assert config["Healthcheck"]["Test"] == ["CMD", "otel-vector", "health"]
    assert config["StopSignal"] == "SIGTERM"
    assert config["Volumes"] == {"/data": {}}
    # Lists, so that no shell stands between the engine's signal and our process.
    assert all(isinstance(word, str) for word in (config.get("Entrypoint") or []) + config["Cmd"])


def test_compose_builds_targets_that_the_dockerfile_has():
    targets = {
        service["build"]["target"]
        for profile in PROFILES
        for service in project(profile)["services"].values()
        if "build" in service
    }
    assert targets == {"runtime", "dev"}
    assert asked("dockerfile", ROOT / "deploy" / "Dockerfile", "absent", **PASSWORD).returncode


@pytest.mark.parametrize("number", [0, 1])
def test_compose_takes_what_the_page_says_to_put_over_the_file(tmp_path, number):
    snippet = [block.text for block in blocks(PAGE) if block.language == "yaml"][number]
    shutil.copyfile(ROOT / "docker-compose.yml", tmp_path / "docker-compose.yml")
    (tmp_path / "docker-compose.override.yml").write_text(snippet)
    for profile in PROFILES:
        done = asked("compose", tmp_path, profile, **PASSWORD)
        assert done.returncode == 0, done.stderr
    full = json.loads(asked("compose", tmp_path, "full", **PASSWORD).stdout)["services"]
    given = full["otel-vector"]["environment"]
    assert ("OTEL_VECTOR_REDACT_PII" in given) == (number == 0)
    assert given["OTEL_VECTOR_STORE_URL"] == "http://qdrant:6334"
