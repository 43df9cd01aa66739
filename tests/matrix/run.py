"""Run what an application uses over several releases of the OpenTelemetry SDK: `make test-matrix`.

Each release has a virtual environment of its own in the user's cache folder, which is made once and
made again when what is installed in it changes. Arguments are passed on to pytest.
"""

import hashlib
import os
import re
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

# The release of the SDK, and of the instrumentations that belongs to it. The newest is the one that
# the extra `demo` pins.
PAIRS = {"1.43.0": "0.64b0", "1.44.0": "0.65b0", "1.45.1": "0.66b1"}

STABLE = (
    *("api", "sdk", "proto", "exporter-otlp-proto-common"),
    *("exporter-otlp-proto-grpc", "exporter-otlp-proto-http"),
)
BETA = (
    *("distro", "instrumentation", "semantic-conventions"),
    *("instrumentation-fastapi", "instrumentation-httpx", "instrumentation-sqlite3"),
)
BESIDE = (
    *("gunicorn>=23", "openai>=3,<4", "pydantic>=2.7"),
    *("opentelemetry-instrumentation-openai-v2==2.4b0", "opentelemetry-util-genai==1.1b0"),
    *("pytest>=8.3", "hypothesis>=6.100", "trustme>=1.2,<2"),
)
TESTS = (
    *("tests/unit/test_exporter_*.py", "tests/unit/test_function_announcements.py"),
    *("tests/unit/test_instrument_*.py", "tests/unit/test_capture_docs.py"),
    *("tests/end_to_end/test_exporter_*.py", "tests/end_to_end/test_doors_exporters.py"),
    *("tests/end_to_end/test_zero_code.py", "tests/end_to_end/test_vectorwave_programs.py"),
    "tests/end_to_end/test_examples_*.py",
)
LEFT_OUT = {
    "test_exporter_docs.py",  # of the versions that the docs pin
    "test_instrument_typing.py",  # of types: the same whatever is installed
}


@dataclass(frozen=True)
class Outcome:
    """What became of one release."""

    sdk: str
    beta: str
    told: str
    seconds: float
    is_well: bool


def main():
    outcomes = [outcome(sdk, beta, sys.argv[1:]) for sdk, beta in PAIRS.items()]
    print(f"\n{'SDK':<8} {'agent':<8} {'seconds':>7}  outcome")
    for one in outcomes:
        print(f"{one.sdk:<8} {one.beta:<8} {one.seconds:7.0f}  {one.told}")
    sys.exit(0 if all(one.is_well for one in outcomes) else 1)


def outcome(sdk, beta, arguments):
    print(f"\n== opentelemetry-sdk {sdk}, opentelemetry-distro {beta}", flush=True)
    begun = time.monotonic()
    try:
        python = environment(sdk, beta)
    except subprocess.CalledProcessError as error:
        seconds = time.monotonic() - begun
        return Outcome(
            sdk, beta, f"not installed: pip ended with {error.returncode}", seconds, False
        )
    begun = time.monotonic()
    code, last = tested(python, arguments)
    return Outcome(sdk, beta, last, time.monotonic() - begun, code == 0)


def environment(sdk, beta):
    """Return the interpreter of a release's environment, made where it is missing or outdated."""
    folder = cache() / sdk
    python = folder / "bin" / "python"
    wanted = [
        *(f"opentelemetry-{name}=={sdk}" for name in STABLE),
        *(f"opentelemetry-{name}=={beta}" for name in BETA),
        *BESIDE,
    ]
    stamp = folder / "installed"
    state = (wanted, str(ROOT), (ROOT / "pyproject.toml").read_bytes())
    digest = hashlib.sha256(repr(state).encode())
    if stamp.is_file() and stamp.read_text() == digest.hexdigest():
        return python
    print(f"   installing into {folder} (once)", flush=True)
    venv.create(folder, with_pip=True, clear=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, *wanted, "--editable", f"{ROOT}[all]"], check=True)
    stamp.write_text(digest.hexdigest())
    return python


def cache():
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "otel-vector" / "matrix"


def tested(python, arguments):
    """Run the tests; return pytest's exit code and its last line."""
    files = sorted(file for glob in TESTS for file in ROOT.glob(glob) if file.name not in LEFT_OUT)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, *files]
    last = "no test ran"
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            if re.search(r"^=*\s*\d+ \w+.* in [\d.]+s", line):
                last = line.strip(" =\n")
    return process.returncode, last


if __name__ == "__main__":
    main()
