"""Jaeger's own suite for remote storages, unmodified, against us."""

import os
import subprocess

import pytest
from real_jaeger import SUITE_PORTS, require_free, suite_program, suite_tree

SUITE_S = 600
EXPECTED = (
    "GetServices", "GetOperations", "GetTrace", "GetLargeTrace", "GetTraceWithDuplicateSpans",
    "FindTraces/Multiple_Traces", "FindTraces/Multi-spot_Tags_+_Operation_name_+_Duration_range",
)  # fmt: skip


@pytest.mark.slow
def test_jaegers_storage_suite_passes(served, tmp_path):
    program, inside = suite_program(), suite_tree(tmp_path / "tree")
    require_free(SUITE_PORTS)
    served.start("--set", "serve.allow_purge=true", "--set", "embed.model=none")
    storage = served.endpoints["jaeger_grpc"]
    environment = {
        **os.environ,
        "STORAGE": "grpc",
        "CUSTOM_STORAGE": "true",
        "REMOTE_STORAGE_ENDPOINT": storage,
        "REMOTE_STORAGE_WRITER_ENDPOINT": storage,
        "PURGER_ENDPOINT": f"http://{served.endpoints['api']}/jaeger/purge",
    }
    done = subprocess.run(
        [program, "-test.run", "TestGRPCStorage", "-test.v", "-test.timeout", f"{SUITE_S}s"],
        cwd=inside, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    passed = [line.split()[2] for line in done.stdout.splitlines() if "--- PASS" in line]
    assert {f"TestGRPCStorage/{name}" for name in EXPECTED} <= set(passed)
    assert "--- SKIP" not in done.stdout
    assert sum(name.startswith("TestGRPCStorage/FindTraces/") for name in passed) == 22
