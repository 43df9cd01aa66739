"""Fuzzes the way from a request's bytes to a batch: decode, validate, redact, describe.

    python tests/fuzz/fuzz_decode.py [--inputs 105000] [--seconds 3600] [--keep DIR]

Coverage guides it (atheris, libFuzzer); the corpus starts from generated messages. It ends with
the given number of inputs, or with the first one that lets anything but a refusal escape: that
one is left in a file and its name printed. Exit code 0 means that at least 100,000 inputs ran,
or as many as were asked for if fewer.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

LEAST = 100_000
LONGEST_BYTES = 4096
SLOWEST_S = 20

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
with atheris.instrument_imports(
    include=["otel_vector.decode", "otel_vector.redact", "otel_vector.describe"]
):
    from support.pipeline import run, seeds


def _one(data: bytes) -> None:
    """The first byte chooses the target, the rest is its input."""
    if data:
        run(data[0], data[1:])


def _fuzz(arguments: list[str]) -> None:
    """Run the fuzzer in this process; it never returns."""
    atheris.Setup([sys.argv[0], *arguments], _one)
    atheris.Fuzz()


def _corpus(folder: Path) -> None:
    for number, (target, body) in enumerate(seeds()):
        (folder / f"seed-{number:02}").write_bytes(bytes([target]) + body)


def _supervise(inputs: int, seconds: int, keep: Path) -> int:
    """Run the fuzzer in a child process, show what it prints, and judge the outcome."""
    keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        _corpus(Path(corpus))
        command = [
            sys.executable, __file__, "--worker", f"-runs={inputs}", f"-max_total_time={seconds}",
            f"-max_len={LONGEST_BYTES}", f"-timeout={SLOWEST_S}", "-rss_limit_mb=2048", "-seed=1",
            "-print_final_stats=1", f"-artifact_prefix={keep}/", corpus,
        ]  # fmt: skip
        done, code = 0, 1
        with subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as child:
            for line in child.stderr or ():
                print(line, end="", file=sys.stderr, flush=True)
                if found := re.match(
                    r"Done (\d+) runs|stat::number_of_executed_units: (\d+)", line
                ):
                    done = int(found[1] or found[2])
            code = child.wait()
    enough = min(LEAST, inputs)
    print(f"{done} inputs, exit code {code}")
    if code or done < enough:
        print(f"fuzzing failed: {enough} clean inputs are asked for; a culprit is in {keep}")
        return 1
    return 0


def main() -> int:
    """Parse the command line."""
    if sys.argv[1:2] == ["--worker"]:
        _fuzz(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=105_000)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"))
    options = parser.parse_args()
    return _supervise(options.inputs, options.seconds, options.keep)


if __name__ == "__main__":
    sys.exit(main())
