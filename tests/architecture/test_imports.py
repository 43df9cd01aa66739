"""Importing is cheap, and contracts know nothing above them."""

import ast
import json
import subprocess
import sys

import pytest
from support.sources import label, module_name, package_files

HEAVY = {"fastapi", "fastembed", "grpc", "httpx", "numpy", "onnxruntime", "qdrant_edge", "uvicorn"}
MOST_MS = 100
RUNS = 5

# What a contract may speak of: values and errors, never a neighbour.
BOTTOM = (
    "otel_vector.errors",
    "otel_vector.progress",
    "otel_vector.settings",
    "otel_vector.spans",
)
CONTRACTS = [file for file in package_files() if file.name == "contract.py"]

MEASURE = """
import json, sys, time
begun = time.perf_counter()
import otel_vector
took_ms = (time.perf_counter() - begun) * 1000
print(json.dumps({"took_ms": took_ms, "modules": sorted({m.partition(".")[0] for m in sys.modules})}))
"""


def measured():
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, check=True)
    return json.loads(done.stdout)


def test_importing_the_library_loads_nothing_heavy():
    assert not HEAVY & set(measured()["modules"])


def test_importing_the_library_takes_less_than_a_tenth_of_a_second():
    assert min(measured()["took_ms"] for _ in range(RUNS)) < MOST_MS


@pytest.mark.parametrize("name", ["otel_vector.wiring", "otel_vector_collector.cli.main"])
def test_an_entry_loads_no_engine_before_it_is_asked_for_one(name):
    code = f"import sys, {name}; print(*(m for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not {"fastembed", "onnxruntime", "qdrant_edge"} & set(done.stdout.split())


@pytest.mark.parametrize("file", CONTRACTS, ids=label)
def test_a_contract_imports_only_the_bottom_layers(file):
    own_package = module_name(file).rpartition(".")[0]
    foreign = [
        name
        for name in imports(ast.parse(file.read_text()))
        if name.startswith("otel_vector")
        and not name.startswith(BOTTOM)
        and not name.startswith(f"{own_package}.")
    ]
    assert not foreign


def test_there_are_contracts_to_check():
    assert len(CONTRACTS) >= 4


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
