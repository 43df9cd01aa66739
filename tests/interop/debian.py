"""Programs of Debian's packages, unpacked once into the user's cache folder; nothing is installed."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from building import made

FETCH_S = 300


def debian_program(package, name):
    """Return a program of a Debian package, at the version that this machine's sources have."""
    version = candidate(package)
    key = re.sub(r"[^0-9A-Za-z.+-]", "_", version)
    return made(name, key, lambda part: unpack(f"{package}={version}", name, part))


def candidate(package):
    """Return the version of a package that could be had."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        # Elsewhere than on Debian and what is made of it the package cannot be read.
        pytest.skip(f"apt is missing: {package} is taken from Debian's package")
    shown = asked("apt-cache", "policy", package).stdout
    found = re.search(r"^\s*Candidate: (\S+)$", shown, re.MULTILINE)
    if found is None or found[1] == "(none)":  # its lists were never fetched, or have been removed
        pytest.skip(f"apt knows no package {package}: run `apt-get update`, or add its source")
    return found[1]


def unpack(package, name, part):
    with tempfile.TemporaryDirectory(dir=part.parent) as folder:
        # As root apt would fetch as a user of its own, who may not write here.
        fetched = asked(
            "apt-get", "-o", "APT::Sandbox::User=root", "download", package, cwd=folder
        )
        if fetched.returncode:  # without network; there is nothing to test against then
            pytest.skip(f"{package} cannot be fetched: {fetched.stderr.strip()[-300:]}")
        (archive,) = Path(folder).glob("*.deb")
        done = asked("dpkg-deb", "-x", archive, "unpacked", cwd=folder)
        assert not done.returncode, done.stderr
        Path(folder, "unpacked", "usr", "bin", name).replace(part)


def asked(*command, cwd=None):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=FETCH_S, cwd=cwd, check=False,
        env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
