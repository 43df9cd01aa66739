"""Every backend of a contract is held to the contract's suite."""

import tomllib
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


def _backends():
    """Backends are the modules that wiring alone may import, as the import contracts list them."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    names = {n for c in contracts for n in c.get("protected_modules", ())}
    return [tuple(name.split(".")[1:3]) for name in sorted(names)]


@pytest.mark.parametrize(("kind", "backend"), _backends())
def test_every_backend_runs_its_contracts_suite(kind, backend):
    entry = _ROOT / "tests" / "contracts" / f"test_{kind}_{backend}.py"
    assert entry.exists(), f"{kind}/{backend} is held to no promises: write {entry.name}"
    assert "Suite" in entry.read_text()


def test_every_contract_has_a_backend():
    contracts = {path.parent.name for path in (_ROOT / "otel_vector").glob("*/contract.py")}
    here = {path.stem.split("_")[1] for path in (_ROOT / "tests" / "contracts").glob("test_*.py")}
    assert contracts <= here
    assert {"store", "inbox", "embed"} <= {kind for kind, _ in _backends()}
