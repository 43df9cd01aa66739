"""Programs as users of VectorWave know them run with another import and print what they promise.

The programs are in the folder `vectorwave`. Each runs as a process of its own, with a store in it
and with a collector, and searches right after it has written.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from serving import Served, environment

PROGRAMS = Path(__file__).parent / "vectorwave"
ERROR_CODES = {"ValueError": "INVALID_INPUT", "KeyError": "CONFIG_MISSING"}
TAGS = {
    "run_id": {"data_type": "TEXT", "description": "The ID of the specific test run"},
    "experiment_id": {"data_type": "TEXT", "description": "Identifier for the experiment"},
    "team": {"data_type": "TEXT", "description": "The team responsible for this function"},
    "priority": {"data_type": "INT", "description": "Execution priority level"},
}


@pytest.fixture(params=["embedded", "collector"])
def run(request, tmp_path):
    """Run a program in a folder with a `.env` file; return what it printed."""
    served = Served(tmp_path)
    settings = {"EXPORTER_PATH": str(tmp_path / "store")}
    if request.param == "collector":
        served.start()
        settings = {
            "EXPORTER_ENDPOINT": f"http://{served.endpoints['otlp_grpc']}",
            "EXPORTER_SPOOL": str(tmp_path / "spool"),
            "CLIENT_URL": f"http://{served.endpoints['api']}",
        }

    def call(program, *more):
        lines = [f"OTEL_VECTOR_{name}={value}" for name, value in settings.items()]
        (tmp_path / ".env").write_text("\n".join([*lines, *more]))
        done = subprocess.run(
            [sys.executable, PROGRAMS / f"{program}.py"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**environment(), "OTEL_SERVICE_NAME": "shop"},
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr
        return done.stdout.splitlines()

    yield call
    served.end()


def test_payments_are_found_by_what_they_do_and_as_one_trace(run):
    printed = run("payments")
    assert printed[:6] == [
        "VectorWave DB initialization successful.",
        "Now calling 'process_payment'...",
        "  [ROOT EXEC] process_payment: Starting workflow for user_789...",
        "  [SPAN 1] Validating payment for user_789...",
        "  [SPAN 2] Sending receipt receipt_user_789_5000...",
        "  [ROOT DONE] process_payment",
    ]
    functions = printed[printed.index("--- Searching for 'payment' related functions ---") :]
    assert functions[1:3] == [
        "  - Function: process_payment",
        "  - Description: Processes a user payment and returns a receipt.",
    ]
    assert sum(line.startswith("  - Function:") for line in functions) == 3
    distances = [float(line.split()[-1]) for line in functions if "(Distance)" in line]
    assert 0 < distances[0] < 0.5
    trace = [n for n, line in enumerate(functions) if line.startswith("--- Full Trace for ID (")]
    spans = [re.sub(r"\d+\.\d\dms", "…ms", line) for line in functions[trace[0] + 1 :]]
    assert spans == [
        "  - [Span 1] step_1_validate_payment (…ms)",
        "  - [Span 2] step_2_send_receipt (…ms)",
        "  - [Span 3] process_payment (…ms)",
    ]
    took = [float(ms) for ms in re.findall(r"(\d+\.\d\d)ms", "\n".join(functions))]
    assert took[0] >= 100
    assert took[1] >= 200
    assert took[2] >= took[0] + took[1]


def test_both_summaries_are_made_and_recorded_whole(run):
    assert run("summaries") == [
        "--- [Cache Miss] Document is being summarized by LLM...",
        "--- [Cache Miss] Document is being summarized by LLM...",
        'SUCCESS "Summary of: The first quarter re..."',
        'SUCCESS "Summary of: The Q1 results demon..."',
    ]


def test_failures_are_found_by_their_codes(run, tmp_path):
    (tmp_path / ".vectorwave_errors.json").write_text(json.dumps(ERROR_CODES))
    assert run("error_codes", "OTEL_VECTOR_INSTRUMENT_ERROR_CODES=.vectorwave_errors.json") == [
        "process_payment ERROR PAYMENT_NEGATIVE_AMOUNT",
        "get_config ERROR CONFIG_MISSING",
        "ratio ERROR ZeroDivisionError",
        "parse ERROR INVALID_INPUT",
        "parse ERROR INVALID_INPUT",
        "2 {'parse'}",
    ]


def test_tags_come_from_the_environment_and_from_decorators(run, tmp_path):
    (tmp_path / ".weaviate_properties").write_text(json.dumps(TAGS))
    tags = ["OTEL_VECTOR_INSTRUMENT_TAGS=.weaviate_properties"]
    assert run("tags", *tags, "RUN_ID=global-run-abc", "TEAM=default-team") == [
        'process_payment: {"run_id": "global-run-abc", "team": "billing", "priority": 1}',
        'other_function: {"run_id": "override-run-xyz", "team": "default-team"}',
    ]
