"""Every program of docs/client.md runs as it stands, against a collector that the settings name."""

import ast
import inspect
import os
import re
import subprocess
import sys

import httpx
import pytest
from serving import Served, environment, eventually
from support.documents import blocks
from support.sources import ROOT

from otel_vector.client import Access, Client, calls

PAGE = ROOT / "docs" / "client.md"
PROGRAMS = [block for block in blocks(PAGE) if block.language == "python"]
DECLINED = {"resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
    "scopeSpans": [{"spans": [{
        "traceId": "1" * 32, "spanId": "2" * 16, "name": "charge the card",
        "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000000000007",
        "status": {"code": 2, "message": "the card was declined"},
    }, {
        "traceId": "1" * 32, "spanId": "3" * 16, "name": "load the cart",
        "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000000000007",
    }]}],
}]}  # fmt: skip


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("docs"))
    served.start()
    try:
        door = f"http://{served.endpoints['otlp_http']}/v1/traces"
        httpx.post(door, json=DECLINED, trust_env=False).raise_for_status()
        api = f"http://{served.endpoints['api']}"
        with Client(api) as client:
            eventually(lambda: client.stats()["spans"] == 2)
        yield api
    finally:
        served.end()


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_every_program_runs(program, url, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program.text],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
        env=environment() | {"OTEL_VECTOR_CLIENT_URL": url, "PYTHONPATH": os.fspath(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_every_argument_and_stream_is_described():
    text = PAGE.read_text()
    arguments = {*inspect.signature(Client).parameters, *Access.__dataclass_fields__} - {"more"}
    named = set(re.findall(r"`([a-z_]+)`", text))
    assert arguments <= named
    yielding = [n for n, m in inspect.getmembers(Client) if "Iterator" in str(
        inspect.signature(m).return_annotation if inspect.isfunction(m) else "")
        and not n.startswith("_")]  # fmt: skip
    assert all(f"`{name}(" in text or f"`{name}`" in text for name in yielding)
    assert all(hasattr(calls, name) for name in re.findall(r"calls\.([a-z_]+)", text))


def test_every_program_can_be_parsed():
    assert len(PROGRAMS) >= 5
    for program in PROGRAMS:
        ast.parse(program.text)
