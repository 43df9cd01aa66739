"""docs/operate/containers.md says what the files do."""

import re
import shlex

import pytest
import yaml
from support.documents import blocks
from support.sources import ROOT
from typer.main import get_command

from otel_vector_collector.cli.main import app

PAGE = ROOT / "docs" / "operate" / "containers.md"
TEXT = PAGE.read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
PROFILES = {profile for service in SERVICES.values() for profile in service["profiles"]}
COMMANDS = [
    shlex.split(line)
    for block in blocks(PAGE)
    if block.language == "sh"
    for line in block.text.splitlines()
]
CLI = get_command(app).commands


def rows(heading):
    """Return the cells of the table whose first column is headed so."""
    found = re.search(
        rf"^\| {re.escape(heading)} \|.*?\n\|[-|]+\|\n((?:\|.*\n)+)", TEXT, re.MULTILINE
    )
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in found[1].splitlines()]


def of_ours(words):
    """Return what of a line our command is given, `serve` where nothing is."""
    if words[1] == "run":
        return words[words.index(SERVICES["otel-vector"]["image"]) + 1 :] or ["serve"]
    if words[1:3] == ["compose", "exec"]:
        return words[words.index("otel-vector", 4) + 1 :]
    return ["serve"]


def exists(words):
    """Return whether words are a command of ours."""
    group = CLI[words[0]]
    return not hasattr(group, "commands") or words[1] in group.commands


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_command_names_what_exists(words):
    if words[0] == "sh":
        assert (ROOT / words[1]).exists()
        return
    assert words[0] == "docker"
    profiles = [words[i + 1] for i, word in enumerate(words) if word == "--profile"]
    assert set(profiles) <= PROFILES
    for verb in {"exec", "run", "restart", "stop"} & set(words[:3]):
        if words[1] != "compose":  # docker run: options, image, command
            continue
        named = [word for word in words[words.index(verb) + 1 :] if word in SERVICES]
        assert named
    assert exists(of_ours(words))


def test_files_that_are_built_from_are_named_as_they_are():
    (build,) = [words for words in COMMANDS if words[1] == "build"]
    assert (ROOT / build[build.index("-f") + 1]).exists()
    image = build[build.index("-t") + 1]
    assert image == SERVICES["otel-vector"]["image"]


def test_each_profile_is_told_of():
    assert {row[0].strip("`") for row in rows("profile")} == PROFILES


def test_each_published_port_is_told_of_with_its_profiles():
    told = {port: row[2] for row in rows("at 127.0.0.1") for port in row[0].split(", ")}
    published = {}
    for service in SERVICES.values():
        for port in service.get("ports", ()):
            published.setdefault(port.split(":")[1], set()).update(service["profiles"])
    assert set(told) == set(published)
    for port, profiles in published.items():
        named = PROFILES if told[port] == "all" else set(re.findall(r"`(\w+)`", told[port]))
        assert named == profiles, port


def test_each_key_is_told_of_with_its_roles():
    script = (ROOT / "deploy" / "make-keys.sh").read_text("utf-8")
    made = {
        name: set(re.findall(r"--role (\w+)", rest))
        for name, rest in re.findall(r"^key (\w+) (.*)$", script, re.MULTILINE)
    }
    told = {
        row[0].strip("`"): set(re.findall(r"`(ingest|read|admin)`", row[1])) for row in rows("key")
    }
    assert told == made


def test_each_volume_is_told_of():
    told = {name for row in rows("volume") for name in re.findall(r"`([\w-]+)`", row[0])}
    assert told == set(COMPOSE["volumes"])


def test_limits_of_memory_are_those_of_the_file():
    assert "`mem_limit` is 2 GiB for otel-vector and 4 GiB for Qdrant" in TEXT
    limits = [SERVICES[name]["mem_limit"] for name in ("otel-vector", "qdrant")]
    assert limits == ["2g", "4g"]


def test_the_collectors_version_is_the_one_that_is_tested():
    manifest = (ROOT / "collector" / "build" / "manifest.yaml").read_text("utf-8")
    (version,) = re.findall(r"^  version: (\S+)$", manifest, re.MULTILINE)
    assert SERVICES["otel-collector"]["image"].endswith(f":{version}")
    assert f"the Collector ({version})" in TEXT
