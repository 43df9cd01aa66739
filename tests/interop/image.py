"""Our image without a container engine: the Dockerfile's steps on an overlay of this machine.

The base image is stood in for by this machine's own files, which nothing changes: what the steps
write lies in an overlay. A container is a chroot into that, read-only, as the image's user,
without privileges, with volumes mounted. It takes root and Linux; without them tests are skipped
with the reason. What BuildKit makes of the same file is proven in test_deploy_files.py.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.sources import ROOT

STEP_S = 600
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
HOLD = 'mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root" && echo up && exec sleep infinity'
BUILD = 'mount --bind /proc "$1/proc"; mount --rbind /dev "$1/dev"; exec chroot "$1" sh -ec "cd $2; $3"'
RUN = """
set -e
root="$1"; user="$2"; folder="$3"; shift 3
mount --bind "$root" "$root"
mount -o remount,ro,bind "$root"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --bind /proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do mount --bind "$1" "$root$2"; shift 2; done
shift
exec chroot "$root" setpriv --reuid "$user" --regid "$user" --clear-groups --inh-caps=-all \
  --bounding-set=-all --no-new-privs -- sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""


def instructions():
    """Return the Dockerfile's instructions by stage: word and rest, continued lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text("utf-8"), flags=re.MULTILINE)
    stages, current = {}, []
    for line in re.sub(r"\\\n", "", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            current = stages.setdefault(rest.split()[-1], [])
        elif word and word != "ARG":
            current.append((word, rest.strip()))
    return stages


class Image:
    """What came of the stages that were built so far."""

    def __init__(self, folder):
        require_root()
        self.folder = folder
        self.root = folder / "root"
        for name in ("upper", "work", "root"):
            (folder / name).mkdir()
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", HOLD, "sh", folder],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        if "up" not in (said := self._holder.stdout.readline()):
            # Within some containers root may mount nothing, and no image can be laid out there.
            pytest.skip(f"this machine mounts no overlay: {said.strip()}")
        self._give_python()

    def build(self, stage):
        """Do what the steps of a stage say."""
        folder = "/"
        for word, rest in instructions()[stage]:
            if word == "WORKDIR":
                folder = rest
                self._step(f"mkdir -p {folder}")
            elif word == "RUN":
                self._step(rest, folder)
            elif word == "COPY" and not rest.startswith("--from="):
                self._copy(rest, folder)
        return self

    def volume(self, path, name):
        """Return a new volume: empty, with owner and mode of the image's folder, as engines do."""
        made = self.folder / name
        self._inside(["cp", "-a", f"{self.root}{path}", made])
        return made

    def command(self, words, *, config, volumes, **variables):
        """Return the command that runs words in a container, in place of its process."""
        given = dict(pair.split("=", 1) for pair in config["Env"]) | variables
        mounts = [text for path, made in volumes.items() for text in (str(made), path)]
        return [
            *self._enter(), "unshare", "--mount", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "sh", "-c", RUN, "sh", str(self.root), config["User"].partition(":")[0],
            config["WorkingDir"], *mounts, "--", "env", "-i",
            *(f"{name}={value}" for name, value in given.items()), *words,
        ]  # fmt: skip

    def end(self):
        self._holder.send_signal(signal.SIGKILL)
        self._holder.wait()
        self._holder.stdout.close()
        shutil.rmtree(self.folder)  # some hundred MB

    def _give_python(self):
        """Have this machine's Python where the base image has its own, and let users reach it."""
        base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
        for folder in base.resolve().parents:
            self._inside(["chmod", "o+rx", f"{self.root}{folder}"])
        # A link would not do: an environment made by it looks for the library beside the link.
        named = self.folder / "python"
        named.write_text(f'#!/bin/sh\nexec {base.resolve()} "$@"\n')
        self._inside(["install", "-D", "-m", "0755", named, f"{self.root}/usr/local/bin/python"])

    def _copy(self, rest, folder):
        *sources, target = rest.replace("--chmod=0755 ", "").split()
        place = Path(target if target.startswith("/") else f"{folder}/{target}")
        stage = self.folder / "context"
        for source in sources:
            shutil.rmtree(stage, ignore_errors=True)
            stage.mkdir()
            kept = shutil.ignore_patterns("__pycache__", "*.pyc")
            copy = shutil.copy2 if (ROOT / source).is_file() else shutil.copytree
            more = {} if copy is shutil.copy2 else {"ignore": kept}
            copy(ROOT / source, stage / Path(source).name, **more)
            into = f"{self.root}{place}"
            self._inside(["cp", "-rT", stage / Path(source).name, f"{into}/{source}"]
                         if target == "./" else ["cp", "-rT", stage / Path(source).name, into])  # fmt: skip
            if rest.startswith("--chmod"):
                self._inside(["chmod", "0755", into])

    def _step(self, text, folder="/"):
        variables = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        path = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp"}
        self._inside(["unshare", "--mount", "sh", "-ec", BUILD, "sh", self.root, folder, text],
                     env={**variables, **path})  # fmt: skip

    def _enter(self):
        return ["nsenter", "--mount", "--target", str(self._holder.pid)]

    def _inside(self, words, env=None):
        done = subprocess.run(
            [*self._enter(), *map(str, words)], env=env, capture_output=True, text=True,
            timeout=STEP_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"


def require_root():
    # Nobody else may make mounts and change users, of which a container is made.
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux may make the mounts that stand in for a container")
    missing = [tool for tool in ("unshare", "nsenter", "setpriv") if shutil.which(tool) is None]
    if missing:  # they are not in every small image that has the rest
        pytest.skip(f"util-linux is incomplete here: {', '.join(missing)}")
