"""Programs of Debian's packages, unpacked once into the user's cache folder; nothing is installed."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from building import cache_folder, locked, made

FETCH_S = 300
# As root apt would fetch as a user of its own, who may not write where we do.
AS_ONESELF = ("-o", "APT::Sandbox::User=root")


def debian_program(package, name):
    """Return a program of a Debian package, at the version that this machine's sources have."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        # Elsewhere than on Debian and what is made of it the package cannot be read.
        pytest.skip(f"apt is missing: {package} is taken from Debian's package")
    lists = []
    version = candidate(package, lists)
    if version is None:  # lists were never fetched, or have been removed, as in many images
        lists = fetched_lists()
        version = candidate(package, lists)
    if version is None:  # this machine has sources of packages, and none with this one
        pytest.skip(f"apt knows no package {package}: add a source that has it")
    key = re.sub(r"[^0-9A-Za-z.+-]", "_", version)
    return made(name, key, lambda part: unpack(f"{package}={version}", name, part, lists))


def candidate(package, lists):
    """Return the version of a package that could be had, None where none is known."""
    shown = asked("apt-cache", *lists, "policy", package).stdout
    found = re.search(r"^\s*Candidate: (\S+)$", shown, re.MULTILINE)
    return None if found is None or found[1] == "(none)" else found[1]


def fetched_lists():
    """Return the options of apt by which it uses lists of our own, which are fetched."""
    folder = cache_folder() / "apt"
    with locked(folder):
        (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        options = [f"Dir::State::lists={folder / 'lists'}", f"Dir::Cache={folder}"]
        lists = [word for option in options for word in ("-o", option)]
        done = asked("apt-get", *AS_ONESELF, *lists, "update")
        if done.returncode:  # without network; there is nothing to test against then
            pytest.skip(f"apt's lists cannot be fetched: {done.stderr.strip()[-300:]}")
    return lists


def unpack(package, name, part, lists):
    with tempfile.TemporaryDirectory(dir=part.parent) as folder:
        fetched = asked("apt-get", *AS_ONESELF, *lists, "download", package, cwd=folder)
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
