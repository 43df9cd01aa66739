"""Real programs of others, built from Go modules once into the user's cache folder.

`built` takes a module of ours that requires the program, `installed` a package at a version, and
`made` whatever else makes one. What is built is named by what it is built from, so that another
version is another folder. A lock keeps two test processes from building the same thing at once;
what a build that was killed left behind is built again. Without Go, or without the modules, tests
are skipped with the reason.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

BUILD_S = 1800
END_S = 30
HERE = Path(__file__).parent


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "otel-vector" / "interop"


def built(name, module, *command):
    """Return a program that a Go command makes of a module, building it if it is not there.

    Args:
        name: of the program.
        module: folder of its `go.mod`.
        command: arguments of `go` but for the output, which stands in for `{output}`.
    """
    go = go_command()

    def build(part):
        run(go, [str(part) if word == "{output}" else word for word in command], module)

    return made(name, digest(module, command), build)


def installed(package, version):
    """Return the program that `go install package@version` makes."""
    go, name = go_command(), package.rpartition("/")[2]

    def install(part):
        with tempfile.TemporaryDirectory(dir=part.parent) as folder:
            run(go, ["install", f"{package}@{version}"], folder, GOBIN=folder)
            Path(folder, name).replace(part)

    return made(name, version, install)


def made(name, key, make):
    """Return a program, made by `make(path)` if there is none of this name and key yet."""
    place = cache_folder() / f"{name}-{key}"
    program = place / name
    with locked(place):
        if not program.exists():
            part = place / f"{name}.part"
            make(part)
            part.replace(program)
    return program


def go_command():
    go = shutil.which("go")
    if go is None:  # a laptop may be without; the real programs are written in it
        pytest.skip(
            "Go is missing: install it (https://go.dev/dl) to test against the real programs"
        )
    return go


def module_folder(module, path):
    """Return where the source of a module that another one requires lies, read-only."""
    found = run(shutil.which("go"), ["list", "-m", "-f", "{{.Dir}}", path], module)
    return Path(found.strip())


def digest(module, command):
    parts = [(module / name).read_bytes() for name in ("go.mod", "go.sum")]
    return hashlib.sha256(b"\0".join([*parts, " ".join(command).encode()])).hexdigest()[:12]


def run(program, arguments, folder, **variables):
    """Run a step of a build in a folder and return what it printed."""
    environment = {
        **os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off", **variables
    }  # fmt: skip
    done = subprocess.run(
        [program, *arguments], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=BUILD_S, check=False,
    )  # fmt: skip
    unreachable = ("dial tcp", "no such host", "i/o timeout")
    if done.returncode and any(sign in done.stderr for sign in unreachable):
        # Without network nothing can be built; any other failure of the build is one of the test.
        pytest.skip(f"Go modules cannot be fetched: {done.stderr.strip()[-300:]}")
    assert not done.returncode, done.stderr[-3000:]
    return done.stdout


def ended(process):
    """End a program of others as its users do, and at once if it does not heed that."""
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def locked(place):
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
