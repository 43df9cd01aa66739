"""What the libraries of docker compose and BuildKit make of our files."""

import hashlib
import json
import os
import subprocess

from building import HERE, go_command, made, run
from support.sources import ROOT

MODULE = HERE / "deploy"
PASSWORD = {"GRAFANA_ADMIN_PASSWORD": "of-a-test"}


def program():
    go = go_command()
    parts = [(MODULE / name).read_bytes() for name in ("go.mod", "go.sum", "main.go")]
    key = hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]
    return made("deploy", key, lambda part: run(go, ["build", "-o", str(part), "."], MODULE))


def asked(*words, **variables):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [program(), *map(str, words)], env={**kept, **variables}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def project(profile):
    """Return docker-compose.yml as docker compose would start a profile of it."""
    done = asked("compose", ROOT, profile, **PASSWORD)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def image(target):
    """Return the configuration of a target's image, and what BuildKit warns of."""
    done = asked("dockerfile", ROOT / "deploy" / "Dockerfile", target)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return found["image"]["config"], found["warnings"]
