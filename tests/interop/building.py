"""Real programs of others, built from Go modules once into the user's cache folder.

What is built is named by what it is built from, so that another version is another folder. A
lock keeps two test processes from building the same thing at once; what a build that was killed
left behind is built again. Without Go, or without the modules, tests are skipped with the reason.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

BUILD_S = 1800
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
    go = shutil.which("go")
    if go is None:  # a laptop may be without; the real programs are written in it
        pytest.skip(
            "Go is missing: install it (https://go.dev/dl) to test against the real programs"
        )
    place = cache_folder() / f"{name}-{digest(module, command)}"
    program = place / name
    with locked(place):
        if not program.exists():
            part = place / f"{name}.part"
            arguments = [str(part) if word == "{output}" else word for word in command]
            run(go, arguments, module)
            part.replace(program)
    return program


def module_folder(module, path):
    """Return where the source of a module that another one requires lies, read-only."""
    found = run(shutil.which("go"), ["list", "-m", "-f", "{{.Dir}}", path], module)
    return Path(found.strip())


def digest(module, command):
    parts = [(module / name).read_bytes() for name in ("go.mod", "go.sum")]
    return hashlib.sha256(b"\0".join([*parts, " ".join(command).encode()])).hexdigest()[:12]


def run(go, arguments, module):
    environment = {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}
    done = subprocess.run(
        [go, *arguments], cwd=module, env=environment, capture_output=True, text=True,
        timeout=BUILD_S, check=False,
    )  # fmt: skip
    unreachable = ("dial tcp", "no such host", "i/o timeout")
    if done.returncode and any(sign in done.stderr for sign in unreachable):
        # Without network nothing can be built; any other failure of the build is one of the test.
        pytest.skip(f"Go modules cannot be fetched: {done.stderr.strip()[-300:]}")
    assert not done.returncode, done.stderr[-3000:]
    return done.stdout


@contextmanager
def locked(place):
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
